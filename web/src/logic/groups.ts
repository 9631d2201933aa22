import type { Account, Notification, Status } from '../api/types';

/** Notifications of one kind about one post, newest first. */
export interface Group {
  /** Id of the newest notification in it. */
  id: string;
  type: string;
  at: string;
  people: Account[];
  status?: Status;
}

/** Kinds of which many may come about the same post, and are then told together. */
const together = new Set(['favourite', 'reblog', 'pleroma:emoji_reaction', 'reaction']);

/** How many notifications back a group may still be added to. */
const reach = 20;

/** Joins favourites and boosts of the same post that came near each other; keeps the order otherwise. */
export function group(list: Notification[]): Group[] {
  const out: Group[] = [];
  const open = new Map<string, { group: Group; at: number }>();
  list.forEach((n, at) => {
    const key = together.has(n.type) && n.status ? `${n.type} ${n.status.id}` : '';
    const found = open.get(key);
    if (key && found && at - found.at <= reach) {
      if (!found.group.people.some((a) => a.id === n.account.id)) found.group.people.push(n.account);
      return;
    }
    const made = { id: n.id, type: n.type, at: n.created_at, people: [n.account], status: n.status };
    out.push(made);
    if (key) open.set(key, { group: made, at });
  });
  return out;
}
