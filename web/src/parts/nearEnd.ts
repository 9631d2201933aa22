import { tick } from 'svelte';

/** How far below the window the end of a list is when more is read, in px. */
const margin = 1_200;

/**
 * Reads more of a list, and more again, while its end (`element`) is near the window; the answer ends that.
 * `more` reads a page and says whether there may be another. It looks at each scroll, once a frame: an
 * IntersectionObserver is silent when the end has gone and come again between two frames, and then the list
 * would stop for good.
 */
export function nearEnd(element: HTMLElement | undefined, more: () => Promise<boolean>): () => void {
  if (!element) return () => {}; // The list went away before it began.
  let busy = false;
  // Also false when it is no longer on the page.
  const near = () => element.isConnected && element.getBoundingClientRect().top < innerHeight + margin;

  async function look() {
    if (busy) return;
    busy = true;
    while (near() && (await more())) await tick();
    busy = false;
  }

  addEventListener('scroll', look, { passive: true });
  addEventListener('resize', look);
  void look();
  return () => {
    removeEventListener('scroll', look);
    removeEventListener('resize', look);
  };
}
