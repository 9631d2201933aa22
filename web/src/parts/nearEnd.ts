import { tick } from 'svelte';

/** How far below the window the end of a list is when more is read, in px. */
const margin = 1_200;

/**
 * Reads more of a list, and more again, while its end (`element`) is near the window; the answer ends that.
 * `more` reads a page and says whether there may be another. An observer alone is not enough: it is silent
 * when the end has come and gone and come again between two frames.
 */
export function nearEnd(element: HTMLElement | undefined, more: () => Promise<boolean>): () => void {
  if (!element) return () => {}; // The list went away before it began.
  let busy = false;
  let ended = false;
  // Also false when it is no longer on the page.
  const near = () => element.isConnected && element.getBoundingClientRect().top < innerHeight + margin;

  async function read() {
    if (busy) return;
    busy = true;
    while (!ended && near() && (await more())) await tick();
    busy = false;
  }

  const watcher = new IntersectionObserver((seen) => seen.at(-1)!.isIntersecting && void read(), {
    rootMargin: `${margin}px`,
  });
  watcher.observe(element);
  return () => {
    ended = true;
    watcher.disconnect();
  };
}
