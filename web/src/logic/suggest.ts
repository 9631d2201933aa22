/** A word that is being typed and can be completed: its kind, the letters so far, where it begins. */
export interface Typing {
  kind: '@' | '#' | ':';
  word: string;
  start: number;
}

/** Finds what is being typed left of the cursor; a word in the middle of another (an address) does not count. */
export function typing(text: string, cursor: number): Typing | null {
  const match = /(?:^|[\s(,;])([@#:])([\p{L}\p{N}_.@-]+)$/u.exec(text.slice(0, cursor));
  if (!match || match[2].length < 2) return null;
  const [, kind, word] = match;
  return { kind: kind as Typing['kind'], word, start: cursor - word.length - 1 };
}

/** The text with the word completed, and where the cursor goes. */
export function complete(text: string, at: Typing, whole: string): { text: string; cursor: number } {
  const before = text.slice(0, at.start);
  const after = text.slice(at.start + 1 + at.word.length).replace(/^ /, '');
  return { text: `${before}${whole} ${after}`, cursor: before.length + whole.length + 1 };
}
