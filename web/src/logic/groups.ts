import type { Account, GroupedNotifications, Notification, Status } from '../api/types';
import type { ReactionEmoji } from './reactions';

/** Notifications of one kind about one post, newest first. */
export interface Group {
  /** Which notifications belong in it. */
  key: string;
  /** Id of the newest notification in it. */
  id: string;
  type: string;
  at: string;
  /** How many people there are; `people` has only the latest of them. */
  count: number;
  people: Account[];
  status?: Status;
  /** What people reacted with, each once. */
  emojis?: ReactionEmoji[];
  /** The other side of an event that is about no post: a host, somebody who was reported, a warning. */
  about?: string;
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
    const key = keyOf(n);
    const found = open.get(key);
    if (found && at - found.at <= reach) {
      join(found.group, n);
      return;
    }
    const made = alone(n);
    out.push(made);
    open.set(key, { group: made, at });
  });
  return out;
}

/** The groups of a page as the server made them. A group without anybody who is known is left out. */
export function fromServer({ accounts, statuses, notification_groups }: GroupedNotifications): Group[] {
  const people = new Map(accounts.map((a) => [a.id, a]));
  const posts = new Map(statuses.map((s) => [s.id, s]));
  return notification_groups
    .map((g) => ({
      key: g.group_key,
      id: String(g.most_recent_notification_id),
      type: g.type,
      at: g.latest_page_notification_at ?? '',
      count: g.notifications_count,
      people: g.sample_account_ids.flatMap((id) => people.get(id) ?? []),
      status: g.status_id ? posts.get(g.status_id) : undefined,
      emojis: emojisOf(g),
      about: aboutOf(g),
    }))
    .filter((g) => g.people.length);
}

/** Puts a notification on top: into the group that it belongs to, if that is near the top, else alone. */
export function add(groups: Group[], n: Notification): Group[] {
  const key = keyOf(n);
  const found = groups.slice(0, reach).find((g) => g.key === key);
  if (!found) return [alone(n), ...groups];
  const { people, count } = found;
  const again = people.some((a) => a.id === n.account.id);
  const joined = {
    ...found,
    id: n.id,
    at: n.created_at,
    count: again ? count : count + 1,
    people: [n.account, ...people.filter((a) => a.id !== n.account.id)],
    emojis: both(emojisOf(n), found.emojis),
  };
  return [joined, ...groups.filter((g) => g !== found)];
}

/** Adds an older page below. A group that is there already is the same one, further up. */
export function below(groups: Group[], page: Group[]): Group[] {
  const known = new Set(groups.map((g) => g.key));
  return [...groups, ...page.filter((g) => !known.has(g.key))];
}

function alone(n: Notification): Group {
  const { id, type, created_at: at, account, status } = n;
  return {
    key: keyOf(n),
    id,
    type,
    at,
    count: 1,
    people: [account],
    status,
    emojis: emojisOf(n),
    about: aboutOf(n),
  };
}

function join(to: Group, n: Notification): void {
  const person = n.account;
  to.emojis = both(to.emojis, emojisOf(n));
  if (to.people.some((a) => a.id === person.id)) return;
  to.people.push(person);
  to.count++;
}

function keyOf(n: Notification): string {
  if (n.group_key) return n.group_key;
  return together.has(n.type) && n.status ? `${n.type}-${n.status.id}` : `ungrouped-${n.id}`;
}

function emojisOf(n: Pick<Notification, 'emoji' | 'emoji_url'>): ReactionEmoji[] | undefined {
  return n.emoji ? [{ name: n.emoji, url: n.emoji_url }] : undefined;
}

function both(first: ReactionEmoji[] = [], second: ReactionEmoji[] = []): ReactionEmoji[] | undefined {
  const all = new Map([...first, ...second].map((e) => [e.name, e]));
  return all.size ? [...all.values()] : undefined;
}

function aboutOf(n: Pick<Notification, 'event' | 'report' | 'moderation_warning'>): string | undefined {
  const reported = n.report && `@${n.report.target_account.acct}`;
  return n.event?.target_name ?? reported ?? n.moderation_warning?.text;
}
