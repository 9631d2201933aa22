import type { Page } from '../api/client';
import type { Status } from '../api/types';
import { afterAbsence, append, fill, type Entry, type Gap, without } from '../logic/feed';
import { keep, keepAll } from './entities.svelte';
import { reason } from './notes.svelte';
import { api } from './session.svelte';

/** How many posts are asked for at once; the server's usual page. */
const pageSize = 20;
/** Entries kept when the reader goes to the top; older ones are read again when wanted. */
const keptAtTop = 200;

export interface Source {
  path: string;
  query?: Record<string, string | boolean>;
  /** The stream that tells of new posts here. */
  stream?: string;
  tag?: string;
}

/**
 * Timeline is one list of posts. What arrives while it is read waits in `fresh` until it is asked for, so that
 * nothing under the reader's eyes moves.
 */
export class Timeline {
  entries = $state.raw<Entry[]>([]);
  fresh = $state.raw<Entry[]>([]);
  loading = $state(false);
  /** Why the last page could not be read. */
  failure = $state('');
  loaded = $state(false);
  done = $state(false);
  private next?: string;
  private lastRefresh = 0;

  constructor(readonly source: Source) {}

  get freshCount(): number {
    return this.fresh.filter((e) => typeof e === 'string').length;
  }

  /** Reads the first page, or what came since the list was last looked at. */
  async open(): Promise<void> {
    if (!this.loaded) await this.more();
    else await this.refresh();
  }

  /** Reads the next page; whether another may follow. After a failure it is for the reader to try again. */
  async more(): Promise<boolean> {
    if (this.loading || this.done) return false;
    await this.guard(async () => {
      const page = await this.read(this.next);
      this.entries = append(this.entries, keepAll(page.items));
      this.next = page.next;
      this.done = !page.next || page.items.length === 0;
      this.loaded = true;
      this.lastRefresh = Date.now();
    });
    return !this.done && !this.failure;
  }

  /** Looks for what is new, at most every few seconds; it waits in `fresh`. */
  async refresh(): Promise<void> {
    if (!this.loaded || Date.now() - this.lastRefresh < 5_000) return;
    this.lastRefresh = Date.now();
    try {
      const page = await this.read();
      const all = [...this.fresh, ...this.entries];
      const now = afterAbsence(all, keepAll(page.items), page.items.length >= pageSize);
      this.fresh = now.slice(0, now.length - this.entries.length);
    } catch {
      // Nobody asked for it; the next return or event tries again.
    }
  }

  /** Takes a post from the stream. */
  arrive(status: Status): void {
    const id = keep(status);
    if (!this.loaded || this.has(id)) return;
    this.fresh = [id, ...this.fresh];
  }

  /** Puts a post that the reader just wrote at the top. */
  insert(status: Status): void {
    const id = keep(status);
    this.fresh = without(this.fresh, id);
    if (this.loaded && !this.entries.includes(id)) this.entries = [id, ...this.entries];
  }

  showFresh(): void {
    const all = [...this.fresh, ...this.entries];
    this.fresh = [];
    const oldest = all[keptAtTop - 1];
    if (all.length > keptAtTop && this.source.stream && typeof oldest === 'string') {
      this.entries = all.slice(0, keptAtTop);
      this.next = `${this.source.path}?${new URLSearchParams({ ...stringly(this.source.query), max_id: oldest })}`;
      this.done = false;
    } else {
      this.entries = all;
    }
  }

  async fillGap(gap: Gap): Promise<void> {
    await this.guard(async () => {
      const page = await this.read(undefined, { max_id: gap.below });
      this.entries = fill(this.entries, gap, keepAll(page.items), page.items.length >= pageSize);
    });
  }

  remove(id: string): void {
    this.entries = without(this.entries, id);
    this.fresh = without(this.fresh, id);
  }

  private has(id: string): boolean {
    return this.entries.includes(id) || this.fresh.includes(id);
  }

  private read(next?: string, extra: Record<string, string> = {}): Promise<Page<Status>> {
    if (next) return api.statuses(next);
    return api.statuses(this.source.path, { limit: pageSize, ...this.source.query, ...extra });
  }

  private async guard(work: () => Promise<void>): Promise<void> {
    this.loading = true;
    this.failure = '';
    try {
      await work();
    } catch (err) {
      this.failure = reason(err);
    } finally {
      this.loading = false;
    }
  }
}

function stringly(query: Record<string, string | boolean> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]));
}

const sources: Record<string, Source> = {
  home: { path: '/api/v1/timelines/home', stream: 'user' },
  local: { path: '/api/v1/timelines/public', query: { local: true }, stream: 'public:local' },
  network: { path: '/api/v1/timelines/public', stream: 'public' },
  bookmarks: { path: '/api/v1/bookmarks' },
  favourites: { path: '/api/v1/favourites' },
};

const open = new Map<string, Timeline>();
/** Lists that are kept for when the reader comes back. */
const mostOpen = 12;

/** The timeline of a name, as it was when last looked at. */
export function timeline(name: string, source: Source = sources[name]): Timeline {
  const found = open.get(name) ?? new Timeline(source);
  open.delete(name);
  open.set(name, found); // The last in the map was used last.
  const [oldest] = open.keys();
  if (open.size > mostOpen && oldest !== 'home') open.delete(oldest);
  return found;
}

export const tagTimeline = (tag: string) =>
  timeline(`tag ${tag}`, {
    path: `/api/v1/timelines/tag/${encodeURIComponent(tag)}`,
    stream: 'hashtag',
    tag,
  });

const kinds = {
  profile: { exclude_replies: true },
  replies: { exclude_replies: false },
  media: { only_media: true },
};
export type ProfileTab = keyof typeof kinds;

export const accountTimeline = (id: string, tab: ProfileTab) =>
  timeline(`account ${id} ${tab}`, { path: `/api/v1/accounts/${id}/statuses`, query: kinds[tab] });

/** Takes a post out of every list. */
export function removeEverywhere(id: string): void {
  for (const list of open.values()) list.remove(id);
}

/** Every list that a stream feeds. */
export function fedBy(stream: string[]): Timeline[] {
  const [name, tag] = stream;
  return [...open.values()].filter(
    ({ source }) =>
      source.stream === name && (!source.tag || source.tag.toLowerCase() === tag?.toLowerCase()),
  );
}

/** What was missed while there was no connection. */
export function refreshAll(): void {
  for (const list of open.values()) if (list.source.stream) void list.refresh();
}

export function forgetTimelines(): void {
  open.clear();
}
