/** A hole in a list: what lies between two posts was not read yet. */
export interface Gap {
  /** Newest id not in the hole, above it. */
  below: string;
  /** Newest id below the hole. */
  above: string;
}

export type Entry = string | Gap;

export const isGap = (entry: Entry): entry is Gap => typeof entry !== 'string';

/** Orders ids as the server does: by length, then by text; positive if a is newer. */
export function newer(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/**
 * Puts a page that was read after an absence above the list. A page that is full and does not reach the list
 * may have left something out: then there is a gap.
 */
export function afterAbsence(list: Entry[], page: string[], full: boolean): Entry[] {
  const newest = list.find((e): e is string => !isGap(e));
  const fresh = page.filter((id) => !list.includes(id));
  if (!newest || !fresh.length) return newest ? list : fresh;
  const reaches = !full || fresh.length < page.length;
  return reaches ? [...fresh, ...list] : [...fresh, { below: fresh.at(-1)!, above: newest }, ...list];
}

/** Fills a gap with the page just below its upper edge. */
export function fill(list: Entry[], gap: Gap, page: string[], full: boolean): Entry[] {
  const at = list.indexOf(gap);
  if (at < 0) return list;
  const fresh = page.filter((id) => !list.includes(id) && newer(id, gap.above) > 0);
  const open = full && fresh.length === page.length && fresh.length > 0;
  const rest = open ? [{ below: fresh.at(-1)!, above: gap.above }] : [];
  return [...list.slice(0, at), ...fresh, ...rest, ...list.slice(at + 1)];
}

/** Adds an older page at the end. */
export function append(list: Entry[], page: string[]): Entry[] {
  return [...list, ...page.filter((id) => !list.includes(id))];
}

export function without(list: Entry[], id: string): Entry[] {
  return list.includes(id) ? list.filter((e) => e !== id) : list;
}
