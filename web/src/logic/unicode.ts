/** An emoji of Unicode, and the words that it is found by. */
export interface UnicodeEmoji {
  emoji: string;
  name: string;
  /** The name and a few more words, in small letters. */
  words: string;
}

export interface EmojiGroup {
  name: string;
  emojis: UnicodeEmoji[];
}

/** Reads the list that the build wrote: `#group`, then a line `emoji TAB name TAB words` for each. */
export function readEmoji(text: string): EmojiGroup[] {
  const groups: EmojiGroup[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('# ')) {
      groups.push({ name: line.slice(2), emojis: [] });
      continue;
    }
    const [emoji, name, more = ''] = line.split('\t');
    if (name) groups.at(-1)?.emojis.push({ emoji, name, words: `${name} ${more}`.toLowerCase() });
  }
  return groups;
}

/** The emoji in whose words every word of a search begins one; those named so come first. */
export function findEmoji(groups: EmojiGroup[], search: string): UnicodeEmoji[] {
  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  const begins = (text: string) => wanted.every((w) => ` ${text}`.includes(` ${w}`));
  const found = groups.flatMap((g) => g.emojis).filter((e) => begins(e.words));
  const rank = (e: UnicodeEmoji) => (begins(e.name.toLowerCase()) ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b));
}
