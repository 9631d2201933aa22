import { isOurs, placeAt } from '../logic/routes';

/** The entry of the browser's history that we are at. */
interface Mark {
  /** Under which its scroll position lives. */
  key: string;
  /** How many entries of ours lie before it. */
  depth: number;
}

/** Where the reader was in an entry of the history: the post at the top, and its distance from there in px. */
export interface Spot {
  anchor?: string;
  offset: number;
  y: number;
}

class Router {
  place = $state.raw(placeAt(location.pathname, location.search));
  /** Changes with each step, also to the same address. */
  key = $state('');
  /** Where to return to; undefined on a page that is new. */
  spot: Spot | undefined;
  private spots = new Map<string, Spot>();

  start(): void {
    history.scrollRestoration = 'manual';
    this.mark();
    addEventListener('popstate', () => {
      this.leave(); // The address is the new one already, the page still the old one.
      this.arrive();
    });
    addEventListener('pagehide', () => this.leave());
    document.addEventListener('click', (e) => this.click(e));
  }

  go(path: string, replace = false): void {
    this.leave();
    const depth = ((history.state as Mark | null)?.depth ?? 0) + (replace ? 0 : 1);
    const mark: Mark = { key: newKey(), depth };
    if (replace) history.replaceState(mark, '', path);
    else history.pushState(mark, '', path);
    this.arrive();
  }

  back(): void {
    if ((history.state as Mark | null)?.depth) history.back();
    else this.go('/');
  }

  /** Remembers where the reader is before the page changes. */
  leave(): void {
    this.spots.set(this.key, currentSpot());
    try {
      const kept = [...this.spots].slice(-30);
      sessionStorage.setItem('kenoma.spots', JSON.stringify(kept));
    } catch {
      // Without it a reload begins at the top.
    }
  }

  private mark(): void {
    const mark = history.state as Mark | null;
    if (!mark?.key) history.replaceState({ key: newKey(), depth: 0 } satisfies Mark, '');
    this.key = (history.state as Mark).key;
    try {
      this.spots = new Map(JSON.parse(sessionStorage.getItem('kenoma.spots') ?? '[]'));
    } catch {
      this.spots = new Map();
    }
    this.spot = this.spots.get(this.key);
  }

  private arrive(): void {
    const mark = history.state as Mark | null;
    this.key = mark?.key ?? newKey();
    this.spot = this.spots.get(this.key);
    this.place = placeAt(location.pathname, location.search);
  }

  /** Follows links to our own pages without loading anything anew. */
  private click(e: MouseEvent): void {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    const a = (e.target as Element).closest?.('a');
    if (!a?.href || (a.target && a.target !== '_self') || a.hasAttribute('download')) return;
    const url = new URL(a.href);
    if (url.origin !== location.origin || !isOurs(url.pathname)) return;
    if (url.hash && url.pathname === location.pathname) return;
    e.preventDefault();
    this.go(url.pathname + url.search);
  }
}

const newKey = () => Math.random().toString(36).slice(2);

function currentSpot(): Spot {
  for (const element of document.querySelectorAll<HTMLElement>('[data-anchor]')) {
    const box = element.getBoundingClientRect();
    if (box.bottom > 60) return { anchor: element.dataset.anchor, offset: box.top, y: scrollY };
  }
  return { offset: 0, y: scrollY };
}

/**
 * Scrolls to where the reader was. Posts outside the screen have no measured height yet, so the post itself
 * is looked for, not a number of pixels; false while it is not there.
 */
export function returnTo(spot: Spot | undefined): boolean {
  if (!spot || spot.y < 1) {
    scrollTo(0, 0);
    return true;
  }
  const element = spot.anchor && document.querySelector(`[data-anchor="${CSS.escape(spot.anchor)}"]`);
  if (!element) {
    if (!spot.anchor) scrollTo(0, spot.y);
    return !spot.anchor;
  }
  settle(element, spot.offset);
  return true;
}

/** For how many frames a place is held; posts get their height only once they have been near the screen. */
const settling = 12;

/** Keeps an element where it is to be while heights settle, unless the reader moves on. */
function settle(element: Element, offset: number): void {
  const moved = new AbortController();
  for (const kind of ['wheel', 'touchstart', 'pointerdown', 'keydown']) {
    addEventListener(kind, () => moved.abort(), { signal: moved.signal, passive: true });
  }
  const hold = (frames: number) => {
    if (moved.signal.aborted || !element.isConnected || frames === 0) return moved.abort();
    const away = element.getBoundingClientRect().top - offset;
    if (Math.abs(away) >= 1) scrollBy(0, away);
    requestAnimationFrame(() => hold(frames - 1));
  };
  hold(settling);
}

export const router = new Router();
