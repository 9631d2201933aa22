import type { Reaction } from '../api/types';

/** An emoji to react with: its name as the server has it and, of a custom one, its picture. */
export interface ReactionEmoji {
  name: string;
  url?: string | null;
}

/** What stands under a post once the reader has reacted with an emoji, or taken that back. */
export function reacted(list: Reaction[], emoji: ReactionEmoji, on: boolean): Reaction[] {
  const found = list.find((r) => r.name === emoji.name);
  if (!found) return on ? [...list, { ...emoji, count: 1, me: true }] : list;
  if (found.me === on) return list;
  const changed = { ...found, me: on, count: found.count + (on ? 1 : -1) };
  return list.map((r) => (r === found ? changed : r)).filter((r) => r.count > 0);
}

/** Takes over the reactions that others see, and keeps which of them are the reader's. */
export function withMine(seen: Reaction[], before: Reaction[] = []): Reaction[] {
  const mine = new Set(before.filter((r) => r.me).map((r) => r.name));
  return seen.map((r) => ({ ...r, me: mine.has(r.name) }));
}
