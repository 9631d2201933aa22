import type { Notification, Status } from '../api/types';
import { newer } from '../logic/feed';
import { add, below, fromServer, group, type Group } from '../logic/groups';
import { keep, keepAccount } from './entities.svelte';
import { reason } from './notes.svelte';
import { api, session } from './session.svelte';

/** The kinds of each list; nothing means all. Servers pass over kinds that they do not know. */
export const filters = {
  all: [],
  mention: ['mention', 'quote'],
  favourite: ['favourite', 'pleroma:emoji_reaction', 'reaction'],
  reblog: ['reblog'],
  follow: ['follow', 'follow_request'],
  status: ['status', 'update', 'poll', 'quoted_update'],
} satisfies Record<string, string[]>;
export type Filter = keyof typeof filters;

/** From which version of the API on the server puts notifications together, and withholds some. */
const grouping = 2;

/** The notifications of some kinds, newest first. */
export class NoticeList {
  list = $state.raw<Group[]>([]);
  /** What came while the list was read, newest first. */
  fresh = $state.raw<Notification[]>([]);
  loading = $state(false);
  loaded = $state(false);
  done = $state(false);
  failure = $state('');
  private next?: string;

  constructor(private readonly types: string[]) {}

  async open(): Promise<void> {
    if (!this.loaded) await this.more();
  }

  /** Reads the next page; whether another may follow. After a failure it is for the reader to try again. */
  async more(): Promise<boolean> {
    if (this.loading || this.done) return false;
    this.loading = true;
    this.failure = '';
    try {
      const page = await this.read(this.next);
      this.list = below(this.list, page.groups);
      this.next = page.next;
      this.done = !page.next || page.groups.length === 0;
      this.loaded = true;
    } catch (err) {
      this.failure = reason(err);
    } finally {
      this.loading = false;
    }
    return !this.done && !this.failure;
  }

  /** Takes one from the stream. */
  arrive(n: Notification): void {
    if (!this.loaded || (this.types.length && !this.types.includes(n.type))) return;
    if (this.list.some((g) => g.id === n.id) || this.fresh.some((f) => f.id === n.id)) return;
    this.fresh = [n, ...this.fresh];
  }

  showFresh(): void {
    this.list = this.fresh.reduceRight(add, this.list);
    this.fresh = [];
  }

  /** Reads the first page again, after the stream was away or old notifications were let in. */
  async refresh(): Promise<void> {
    if (!this.loaded) return;
    const page = await this.read().catch(() => null);
    if (!page) return;
    this.list = below(page.groups, this.list);
    this.fresh = this.fresh.filter((n) => newer(n.id, page.groups[0]?.id ?? '0') > 0);
  }

  drop(id: string): void {
    this.list = this.list.filter((g) => g.id !== id);
  }

  removeStatus(id: string): void {
    this.list = this.list.filter((g) => g.status?.id !== id);
    this.fresh = this.fresh.filter((n) => n.status?.id !== id);
  }

  private async read(next?: string): Promise<{ groups: Group[]; next?: string }> {
    const query = { types: this.types };
    if (await session.offers(grouping)) {
      const page = await api.groupedNotifications(next ?? '/api/v2/notifications', next ? undefined : query);
      page.accounts.forEach(keepAccount);
      page.statuses.forEach(keep);
      return { groups: fromServer(page), next: page.next };
    }
    const page = await api.notifications(next, next ? undefined : query);
    page.items.forEach(learn);
    return { groups: group(page.items), next: page.next };
  }
}

/** What happened to the reader's account, and up to where it was read (on every device). */
class Notifications {
  /** How many people's notifications are withheld until the reader lets them in. */
  waiting = $state(0);
  private lists = $state.raw(fresh());
  private lastRead = $state('0');

  of(filter: Filter): NoticeList {
    return this.lists[filter];
  }

  get unread(): number {
    const { list, fresh } = this.lists.all;
    return fresh.length + list.filter((g) => newer(g.id, this.lastRead) > 0).length;
  }

  /** Reads what there is, and up to where it was read. */
  async open(): Promise<void> {
    await this.readMarker();
    void this.lookForWaiting();
    await this.lists.all.open();
  }

  arrive(notification: Notification): void {
    learn(notification);
    for (const list of Object.values(this.lists)) list.arrive(notification);
  }

  /** Notes that everything shown was read. */
  async markRead(): Promise<void> {
    const newest = this.lists.all.list[0]?.id;
    if (!newest || newer(newest, this.lastRead) <= 0) return;
    this.lastRead = newest;
    await api.mark('notifications', newest).catch(() => {}); // Told again with the next one.
  }

  async refresh(): Promise<void> {
    await Promise.all([...Object.values(this.lists).map((list) => list.refresh()), this.lookForWaiting()]);
  }

  /** Takes a notification away that was answered, such as a request. */
  drop(id: string): void {
    for (const list of Object.values(this.lists)) list.drop(id);
  }

  removeStatus(id: Status['id']): void {
    for (const list of Object.values(this.lists)) list.removeStatus(id);
  }

  async clear(): Promise<void> {
    await api.clearNotifications();
    this.lists = fresh();
    await this.lists.all.open();
  }

  /** Asks how many people wait to be let in; servers without that have none. */
  async lookForWaiting(): Promise<void> {
    if (!(await session.offers(grouping))) return;
    const policy = await api.notificationPolicy().catch(() => null);
    if (policy) this.waiting = policy.summary.pending_requests_count;
  }

  forget(): void {
    this.lists = fresh();
    this.lastRead = '0';
    this.waiting = 0;
  }

  private async readMarker(): Promise<void> {
    const markers = await api.markers().catch(() => ({ notifications: undefined }));
    this.lastRead = markers.notifications?.last_read_id ?? this.lastRead;
  }
}

function fresh(): Record<Filter, NoticeList> {
  return Object.fromEntries(
    Object.entries(filters).map(([name, types]) => [name, new NoticeList(types)]),
  ) as Record<Filter, NoticeList>;
}

function learn(n: Notification): void {
  keepAccount(n.account);
  if (n.status) keep(n.status);
}

export const notifications = new Notifications();
