import type { Notification } from '../api/types';
import { newer } from '../logic/feed';
import { keep, keepAccount } from './entities.svelte';
import { reason } from './notes.svelte';
import { api } from './session.svelte';

export type Filter = 'all' | 'mentions';

/** What happened to the reader's account, and up to where it was read (on every device). */
class Notifications {
  list = $state.raw<Notification[]>([]);
  fresh = $state.raw<Notification[]>([]);
  filter = $state<Filter>('all');
  loading = $state(false);
  loaded = $state(false);
  done = $state(false);
  failure = $state('');
  private lastRead = $state('0');
  private next?: string;

  get unread(): number {
    return [...this.fresh, ...this.list].filter((n) => newer(n.id, this.lastRead) > 0).length;
  }

  async open(): Promise<void> {
    if (!this.loaded) await this.more();
  }

  /** Reads the next page; whether another may follow. After a failure it is for the reader to try again. */
  async more(): Promise<boolean> {
    if (this.loading || this.done) return false;
    const filter = this.filter;
    this.loading = true;
    this.failure = '';
    try {
      if (!this.loaded) await this.readMarker();
      const types = filter === 'mentions' ? { types: ['mention'] } : {};
      const page = this.next ? await api.notifications(this.next) : await api.notifications(undefined, types);
      if (filter !== this.filter) return false; // The reader chose the other list meanwhile.
      page.items.forEach(learn);
      const known = new Set(this.list.map((n) => n.id));
      this.list = [...this.list, ...page.items.filter((n) => !known.has(n.id))];
      this.next = page.next;
      this.done = !page.next || page.items.length === 0;
      this.loaded = true;
    } catch (err) {
      this.failure = reason(err);
    } finally {
      this.loading = false;
      if (filter !== this.filter) void this.more();
    }
    return !this.done && !this.failure;
  }

  choose(filter: Filter): void {
    if (filter === this.filter) return;
    this.filter = filter;
    this.restart();
    void this.more();
  }

  /** Takes one from the stream; `seen` if the list is on the screen and at its top. */
  arrive(notification: Notification): void {
    learn(notification);
    if ([...this.fresh, ...this.list].some((n) => n.id === notification.id)) return;
    if (this.filter === 'mentions' && notification.type !== 'mention') return;
    this.fresh = [notification, ...this.fresh];
  }

  showFresh(): void {
    this.list = [...this.fresh, ...this.list];
    this.fresh = [];
    void this.markRead();
  }

  /** Notes that everything shown was read. */
  async markRead(): Promise<void> {
    const newest = this.list[0]?.id;
    if (!newest || newer(newest, this.lastRead) <= 0) return;
    this.lastRead = newest;
    await api.mark('notifications', newest).catch(() => {}); // Told again with the next one.
  }

  /** Looks again from the beginning, after the stream was away. */
  async refresh(): Promise<void> {
    if (!this.loaded) return;
    const types = this.filter === 'mentions' ? { types: ['mention'] } : {};
    const page = await api.notifications(undefined, types).catch(() => null);
    for (const n of page?.items.toReversed() ?? []) {
      if (!this.list.length || newer(n.id, this.list[0].id) > 0) this.arrive(n);
    }
  }

  /** Takes a notification away that was answered, such as a request. */
  drop(id: string): void {
    this.list = this.list.filter((n) => n.id !== id);
  }

  removeStatus(id: string): void {
    this.list = this.list.filter((n) => n.status?.id !== id);
    this.fresh = this.fresh.filter((n) => n.status?.id !== id);
  }

  forget(): void {
    this.restart();
    this.filter = 'all';
    this.lastRead = '0';
  }

  private restart(): void {
    this.list = [];
    this.fresh = [];
    this.next = undefined;
    this.loaded = this.done = false;
  }

  private async readMarker(): Promise<void> {
    const markers = await api.markers().catch(() => ({ notifications: undefined }));
    this.lastRead = markers.notifications?.last_read_id ?? this.lastRead;
  }
}

function learn(n: Notification): void {
  keepAccount(n.account);
  if (n.status) keep(n.status);
}

export const notifications = new Notifications();
