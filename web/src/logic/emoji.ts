import type { Account, CustomEmoji } from '../api/types';

/** A stretch of text, or a custom emoji in it. */
export type Piece = string | CustomEmoji;

/** Cuts text at the custom emoji that are known; `:unknown:` stays text. */
export function pieces(text: string, emojis: CustomEmoji[]): Piece[] {
  if (!emojis.length || !text.includes(':')) return text ? [text] : [];
  const known = new Map(emojis.map((e) => [e.shortcode, e]));
  const out: Piece[] = [];
  let rest = 0;
  // The closing colon of an unknown code may open the next one.
  const code = /:([a-zA-Z0-9_-]+):/g;
  for (let m = code.exec(text); m; m = code.exec(text)) {
    const emoji = known.get(m[1]);
    if (!emoji) {
      code.lastIndex = m.index + m[0].length - 1;
      continue;
    }
    if (m.index > rest) out.push(text.slice(rest, m.index));
    out.push(emoji);
    rest = m.index + m[0].length;
  }
  if (rest < text.length) out.push(text.slice(rest));
  return out;
}

/** The name of somebody where only letters can stand, such as the title of the window. */
export function nameOf(account: Pick<Account, 'display_name' | 'username'>): string {
  return account.display_name.replace(/\s*:[a-zA-Z0-9_-]+:\s*/g, ' ').trim() || account.username;
}
