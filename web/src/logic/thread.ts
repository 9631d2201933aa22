import type { Status } from '../api/types';

/** A reply and what was answered to it. */
export interface Branch {
  id: string;
  replies: Branch[];
}

/**
 * Makes the tree below a post from the flat list that the server gives. A reply whose parent is missing
 * (deleted, or not for our eyes) hangs on the post itself. A circle of replies ends at its first member.
 */
export function tree(root: string, descendants: Pick<Status, 'id' | 'in_reply_to_id'>[]): Branch[] {
  const ids = new Set(descendants.map((s) => s.id));
  const under = new Map<string, string[]>();
  for (const s of descendants) {
    const parent =
      s.in_reply_to_id && ids.has(s.in_reply_to_id) && s.in_reply_to_id !== s.id ? s.in_reply_to_id : root;
    under.set(parent, [...(under.get(parent) ?? []), s.id]);
  }
  const seen = new Set<string>([root]);
  const grow = (id: string): Branch[] =>
    (under.get(id) ?? [])
      .filter((child) => !seen.has(child) && seen.add(child))
      .map((child) => ({ id: child, replies: grow(child) }));
  const top = grow(root);
  for (const s of descendants) {
    if (!seen.has(s.id)) top.push({ id: (seen.add(s.id), s.id), replies: grow(s.id) });
  }
  return top;
}

/** How many posts a list of branches has in all. */
export function size(branches: Branch[]): number {
  return branches.reduce((n, b) => n + 1 + size(b.replies), 0);
}
