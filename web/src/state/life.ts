import { forgetAll } from './entities.svelte';
import { listen, stopListening } from './live';
import { notes } from './notes.svelte';
import { notifications } from './notifications.svelte';
import { router } from './router.svelte';
import { session, signIn } from './session.svelte';
import { t } from './text';
import { forgetTimelines } from './timeline.svelte';
import { ui } from './ui.svelte';

/** What happens when somebody comes, and when they go. */

/** Begins for whoever the stored token belongs to, or for a guest. */
export async function begin(): Promise<void> {
  void session.loadInstance().catch(() => {}); // What was stored last time serves as well.
  if (!session.token) return;
  listen();
  void session.loadEmojis().catch(() => {});
  await session.loadMe().catch(() => {}); // Without a connection the page shows what it can.
  void notifications.open();
}

/** Signs in with a token; throws, and is nobody again, if it opens nothing. */
export async function enter(token: string, back = '/'): Promise<void> {
  clear();
  session.begin(token);
  try {
    await session.loadMe();
  } catch (err) {
    session.forget();
    throw err;
  }
  listen();
  void session.loadEmojis().catch(() => {});
  void notifications.open();
  router.go(back, true);
}

export async function goToSignIn(): Promise<void> {
  const { page, path, query } = router.place;
  const back = ['signUp', 'callback'].includes(page) ? '/' : path + (query.size ? `?${query}` : '');
  try {
    location.assign(await signIn.begin(back));
  } catch (err) {
    notes.fail(err);
  }
}

export async function leave(): Promise<void> {
  const token = session.token;
  stopListening();
  session.forget();
  clear();
  if (token) await signIn.end(token).catch(() => {}); // The token is forgotten here either way.
  router.go('/', true);
}

/** The server ended the session. */
export function expelled(): void {
  stopListening();
  clear();
  session.expired = false;
  notes.say(t('error.signedOut'), true);
}

function clear(): void {
  stopListening();
  forgetAll();
  forgetTimelines();
  notifications.forget();
  ui.forget();
}
