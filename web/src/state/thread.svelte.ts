import type { Status } from '../api/types';
import { tree, type Branch } from '../logic/thread';
import { keep, keepAll, statuses } from './entities.svelte';
import { reason } from './notes.svelte';
import { api } from './session.svelte';

/** The conversation around one post. */
export class Thread {
  ancestors = $state.raw<string[]>([]);
  replies = $state.raw<Branch[]>([]);
  loading = $state(false);
  loaded = $state(false);
  failure = $state('');
  private below: Pick<Status, 'id' | 'in_reply_to_id'>[] = [];

  constructor(readonly root: string) {}

  /** Reads it; `hold` runs the change that may put posts above the root, so that the root can be kept in place. */
  async load(hold = (change: () => void) => change()): Promise<void> {
    this.loading = true;
    this.failure = '';
    try {
      const context = await api.context(this.root);
      const ancestors = keepAll(context.ancestors);
      keepAll(context.descendants);
      hold(() => {
        this.ancestors = ancestors;
        this.below = context.descendants;
        this.grow();
        this.loaded = true;
      });
    } catch (err) {
      this.failure = reason(err);
    } finally {
      this.loading = false;
    }
  }

  /** Takes a post that belongs here: an answer to the root or to one of the replies. */
  offer(status: Status): void {
    const parent = status.in_reply_to_id;
    if (!parent || this.below.some((s) => s.id === status.id)) return;
    if (parent !== this.root && !this.below.some((s) => s.id === parent)) return;
    keep(status);
    this.below = [...this.below, status];
    this.grow();
  }

  remove(id: string): void {
    if (!this.below.some((s) => s.id === id)) return;
    this.below = this.below.filter((s) => s.id !== id);
    this.grow();
  }

  private grow(): void {
    this.replies = tree(
      this.root,
      this.below.filter((s) => statuses.has(s.id)),
    );
  }
}

/** Conversations that are on the screen. */
const shown = new Set<Thread>();

/** Keeps a conversation up to date while it is shown; the answer ends that. */
export function watch(thread: Thread): () => void {
  shown.add(thread);
  return () => shown.delete(thread);
}

export function offerToThreads(status: Status): void {
  for (const thread of shown) thread.offer(status);
}

export function removeFromThreads(id: string): void {
  for (const thread of shown) thread.remove(id);
}
