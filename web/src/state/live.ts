import { Stream, type StreamEvent } from '../api/stream';
import type { Notification, Status } from '../api/types';
import { keepEdited, statuses } from './entities.svelte';
import { notifications } from './notifications.svelte';
import { session } from './session.svelte';
import { offerToThreads, removeFromThreads } from './thread.svelte';
import { fedBy, refreshAll, removeEverywhere } from './timeline.svelte';

let stream: Stream | undefined;

/** Begins to listen for whoever is signed in. */
export function listen(): void {
  const token = session.token;
  if (!token || stream) return;
  stream = new Stream({
    open: () => new WebSocket(address(), token),
    onEvent: hear,
    onReturn: catchUp,
  });
  stream.subscribe('user');
  stream.connect();
}

export function stopListening(): void {
  stream?.close();
  stream = undefined;
}

/** Subscribes while something is shown; does nothing for the home stream, which is always on, or a guest. */
export function subscribe(name?: string, tag?: string): () => void {
  if (!stream || !name || name === 'user') return () => {};
  return stream.subscribe(name, tag);
}

/** Looks for what was missed: after a lost connection, or a long time in the background. */
export function catchUp(): void {
  refreshAll();
  void notifications.refresh();
}

export function networkIsBack(): void {
  stream?.hurry();
}

/** The stream of the server whose page this is; its own name for itself may not be the one in use here. */
function address(): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/streaming`;
}

export function hear({ stream, event, payload = '' }: StreamEvent): void {
  switch (event) {
    case 'update': {
      const status = JSON.parse(payload) as Status;
      for (const list of fedBy(stream)) list.arrive(status);
      offerToThreads(status);
      break;
    }
    case 'status.update':
      keepEdited(JSON.parse(payload) as Status);
      break;
    case 'delete':
      forget(payload);
      break;
    case 'notifications_merged':
      void notifications.refresh();
      break;
    case 'notification': {
      const notification = JSON.parse(payload) as Notification;
      notifications.arrive(notification);
      if (notification.status) offerToThreads(notification.status);
      break;
    }
  }
}

/** Takes a deleted post from everywhere it is shown. */
export function forget(id: string): void {
  removeEverywhere(id);
  notifications.removeStatus(id);
  statuses.delete(id);
  removeFromThreads(id);
}
