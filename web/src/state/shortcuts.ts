import { profilePath } from '../logic/routes';
import { router } from './router.svelte';
import { session } from './session.svelte';
import type { Key } from './text';
import { ui } from './ui.svelte';

/** What a key does; keys of two letters are pressed one after the other. */
interface Shortcut {
  keys: string;
  label: Key;
  run: () => void;
}

/** Every shortcut, in the order of the help sheet. */
export const shortcuts: Shortcut[] = [
  { keys: 'j', label: 'keys.next', run: () => step(1) },
  { keys: 'k', label: 'keys.previous', run: () => step(-1) },
  { keys: 'o', label: 'keys.thread', run: () => press('thread') },
  { keys: 'r', label: 'keys.reply', run: () => press('reply') },
  { keys: 'f', label: 'keys.favourite', run: () => press('favourite') },
  { keys: 'b', label: 'keys.boost', run: () => press('boost') },
  { keys: 'e', label: 'keys.react', run: () => press('react') },
  { keys: 'd', label: 'keys.bookmark', run: () => press('bookmark') },
  { keys: 'x', label: 'keys.reveal', run: () => press('reveal') },
  { keys: '.', label: 'keys.fresh', run: () => click('[data-do=fresh]') },
  { keys: 'n', label: 'keys.compose', run: () => session.token && (ui.composer = {}) },
  { keys: '/', label: 'keys.search', run: search },
  { keys: 'gh', label: 'keys.home', run: () => router.go('/') },
  { keys: 'gl', label: 'keys.local', run: () => router.go('/local') },
  { keys: 'gw', label: 'keys.network', run: () => router.go('/network') },
  { keys: 'gn', label: 'keys.notifications', run: () => router.go('/notifications') },
  { keys: 'gp', label: 'keys.profile', run: () => session.me && router.go(profilePath(session.me.acct)) },
  { keys: '?', label: 'keys.help', run: () => (ui.help = true) },
];

/** How long the first of two keys waits for the second, in ms. */
const patience = 1_000;
let first = '';
let firstAt = 0;

/** Runs what a key means, unless somebody is writing, choosing or holding another key down. */
export function shortcut(e: KeyboardEvent): void {
  if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
  if ((e.target as Element).closest('input, textarea, select, [contenteditable], dialog, [popover]')) return;
  const before = Date.now() - firstAt < patience ? first : '';
  first = '';
  const found = shortcuts.find((s) => s.keys === before + e.key) ?? shortcuts.find((s) => s.keys === e.key);
  if (found) {
    e.preventDefault();
    found.run();
  } else if (shortcuts.some((s) => s.keys.length > 1 && s.keys[0] === e.key)) {
    first = e.key;
    firstAt = Date.now();
  }
}

const posts = () => [...document.querySelectorAll<HTMLElement>('main article[data-post]')];
const current = () => document.activeElement?.closest<HTMLElement>('article[data-post]') ?? null;

/** Space that the head of a column takes, in px. */
const head = 60;

/** Goes to the next post or the one before; from elsewhere to the first that is in sight. */
function step(by: number): void {
  const all = posts();
  const at = all.indexOf(current()!);
  const to = at < 0 ? all.find((p) => p.getBoundingClientRect().bottom > head + 20) : all[at + by];
  if (!to) return;
  to.focus({ preventScroll: true });
  const { top, bottom } = to.getBoundingClientRect();
  if (top < head || bottom > innerHeight) scrollBy(0, top - head - 8);
}

/** Presses a button of the post that has the focus. */
function press(what: string): void {
  current()?.querySelector<HTMLElement>(`[data-do=${what}]`)?.click();
}

const click = (selector: string) => document.querySelector<HTMLElement>(selector)?.click();

function search(): void {
  const box = document.querySelector<HTMLElement>('aside [type=search]');
  if (box?.checkVisibility()) box.focus();
  else router.go('/search');
}
