import type { Status } from '../api/types';
import { keep, patch, statuses } from './entities.svelte';
import { offerToThreads } from './thread.svelte';
import { timeline } from './timeline.svelte';

/** Shows a post that the reader just sent or changed wherever it belongs, without waiting for the stream. */
export function published(status: Status, edited: boolean): void {
  keep(status);
  if (edited) return;
  timeline('home').insert(status);
  if (status.visibility === 'public' && !status.in_reply_to_id) timeline('local').insert(status);
  const parent = statuses.get(status.in_reply_to_id ?? '');
  if (parent) patch(parent.id, { replies_count: parent.replies_count + 1 });
  offerToThreads(status);
}
