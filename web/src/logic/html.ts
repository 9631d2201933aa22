import type { CustomEmoji, Mention } from '../api/types';
import { pieces } from './emoji';

/** What helps to draw a piece of HTML: its custom emoji, and who is meant by which link. */
export interface Meaning {
  emojis?: CustomEmoji[];
  mentions?: Mention[];
  tags?: { name: string; url: string }[];
}

/** Elements that may appear, with the classes that keep a meaning here. */
const allowed = new Set(
  'p br span a del s pre blockquote code b strong u i em ul ol li h1 h2 h3 h4 h5 h6 ruby rt rp sub sup hr small'.split(
    ' ',
  ),
);
const allowedClasses = new Set(['invisible', 'ellipsis', 'quote-inline', 'mention', 'hashtag', 'h-card']);
/** Elements whose text is not for readers. */
const silent = new Set([
  'script',
  'style',
  'template',
  'title',
  'textarea',
  'noscript',
  'svg',
  'math',
  'iframe',
]);

/** Depth to which elements are followed; deeper ones are dropped. */
const deepest = 40;

/**
 * Builds what a post says from the server's HTML. The server has cleaned it; this trusts it all the same no
 * further than a list of elements and of link schemes, and sets no HTML anywhere. Links to people and tags
 * become addresses of this page.
 */
export function draw(html: string, meaning: Meaning = {}): DocumentFragment {
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  const out = document.createDocumentFragment();
  copy(parsed.body, out, meaning, 0);
  return out;
}

/** The text of a piece of HTML, with line breaks where paragraphs end. */
export function plain(html: string): string {
  const body = new DOMParser().parseFromString(html.replace(/<br\s*\/?>|<\/p>/gi, '$&\n'), 'text/html').body;
  return (body.textContent ?? '').trim();
}

function copy(from: Node, to: Node, meaning: Meaning, depth: number): void {
  if (depth > deepest) return;
  for (const node of Array.from(from.childNodes)) {
    if (node.nodeType === 3) {
      for (const piece of pieces(node.textContent ?? '', meaning.emojis ?? [])) {
        to.appendChild(typeof piece === 'string' ? document.createTextNode(piece) : emojiImage(piece));
      }
    } else if (node.nodeType === 1) {
      copyElement(node as Element, to, meaning, depth);
    }
  }
}

function copyElement(from: Element, to: Node, meaning: Meaning, depth: number): void {
  const name = from.localName;
  if (silent.has(name)) return;
  if (!allowed.has(name)) return copy(from, to, meaning, depth + 1);
  const element = name === 'a' ? link(from, meaning) : document.createElement(name);
  const classes = Array.from(from.classList).filter((c) => allowedClasses.has(c));
  if (classes.length) element.classList.add(...classes);
  if (name === 'ol' && from.hasAttribute('start')) element.setAttribute('start', from.getAttribute('start')!);
  copy(from, element, meaning, depth + 1);
  if (name === 'a') shorten(element);
  to.appendChild(element);
}

/** A link that opens elsewhere, or here if it means somebody or a tag; plain text for other schemes. */
function link(from: Element, meaning: Meaning): HTMLElement {
  const href = from.getAttribute('href') ?? '';
  const text = from.textContent ?? '';
  const person = meaning.mentions?.find((m) => m.url === href);
  const tag = tagOf(href, text, from, meaning);
  if (!person && !tag && !/^(https?|mailto|gemini|gopher|xmpp|matrix|magnet):/i.test(href)) {
    return document.createElement('span');
  }
  const a = document.createElement('a');
  if (person) {
    a.href = `/@${person.acct}`;
    a.title = `@${person.acct}`;
  } else if (tag) {
    a.href = `/tags/${encodeURIComponent(tag)}`;
  } else {
    a.href = href;
    a.target = '_blank';
    a.rel = 'nofollow noopener noreferrer';
    a.title = href;
  }
  return a;
}

function tagOf(href: string, text: string, from: Element, meaning: Meaning): string | undefined {
  const known = meaning.tags?.find((t) => t.url === href);
  if (known) return known.name;
  const named = /^#(\S+)$/.exec(text.trim())?.[1];
  if (!named) return undefined;
  const same = meaning.tags?.some((t) => t.name.toLowerCase() === named.toLowerCase());
  return same || from.classList.contains('hashtag') || from.getAttribute('rel') === 'tag' ? named : undefined;
}

/** Long addresses are shown by their beginning, where the text is the address itself. */
function shorten(a: Element): void {
  const only = a.childNodes.length === 1 && a.firstChild!.nodeType === 3 ? a.firstChild! : null;
  const text = only?.textContent ?? '';
  if (!/^https?:\/\/\S+$/.test(text)) return;
  const bare = text.replace(/^https?:\/\/(www\.)?/, '').replace(/\/$/, '');
  only!.textContent = bare.length > 40 ? `${bare.slice(0, 38)}…` : bare;
}

export function emojiImage(emoji: CustomEmoji): HTMLImageElement {
  const img = document.createElement('img');
  img.className = 'emoji';
  img.src = stillOr(emoji.url, emoji.static_url);
  img.alt = img.title = `:${emoji.shortcode}:`;
  img.loading = 'lazy';
  return img;
}

/** The still picture for those who asked for less motion. */
export function stillOr(moving: string, still: string): string {
  return globalThis.matchMedia?.('(prefers-reduced-motion: reduce)').matches ? still : moving;
}
