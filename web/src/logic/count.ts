/** Something that looks like an address; each counts the same, however long it is. */
const address = /https?:\/\/[^\s<>"]+/g;
/** A mention counts without its host. */
const mention = /(^|[^\w/])@([\w.-]+)@[\w.-]+\w/g;

/**
 * Counts what a post has of its characters, as the server does: what a reader sees as one, an address as
 * `reserved`, a mention without its host.
 *
 * spec: masto:user/posting#text
 */
export function length(text: string, warning: string, reserved: number): number {
  const counted = text.replace(address, 'x'.repeat(reserved)).replace(mention, '$1@$2');
  return visible(counted) + visible(warning);
}

const segments = typeof Intl !== 'undefined' && 'Segmenter' in Intl ? new Intl.Segmenter() : null;

function visible(text: string): number {
  if (/^[\x20-\x7e\n]*$/.test(text) || !segments) return [...text].length;
  return [...segments.segment(text)].length;
}
