import type { Poll, Relationship, Status } from '../api/types';
import { reacted, type ReactionEmoji } from '../logic/reactions';
import { keep, patch, relationships, statuses } from './entities.svelte';
import { forget } from './live';
import { notes } from './notes.svelte';
import { api, session } from './session.svelte';
import { t } from './text';

/** What can be switched on and off on a post: its flag, its count, and the calls for it. One place for all. */
export const switches = {
  favourite: { flag: 'favourited', count: 'favourites_count', on: 'favourite', off: 'unfavourite' },
  boost: { flag: 'reblogged', count: 'reblogs_count', on: 'reblog', off: 'unreblog' },
  bookmark: { flag: 'bookmarked', count: null, on: 'bookmark', off: 'unbookmark' },
  pin: { flag: 'pinned', count: null, on: 'pin', off: 'unpin' },
} as const;

/** The last press of each switch of each post: answers to earlier ones say nothing any more. */
const presses = new Map<string, number>();

/**
 * Switches at once and tells the server; if the server refuses, what changed is changed back. Only the flag
 * and its count are: other changes that arrived meanwhile stay.
 */
export async function press(id: string, kind: keyof typeof switches): Promise<void> {
  if (!session.token) return notes.say(t('post.replyNeedsAccount'));
  const row = switches[kind];
  const on = !statuses.get(id)?.[row.flag];
  const key = `${kind} ${id}`;
  const turn = (presses.get(key) ?? 0) + 1;
  presses.set(key, turn);
  set(id, kind, on);
  try {
    const answer = await api.act(id, on ? row.on : row.off);
    if (presses.get(key) === turn) keep(answer.reblog ?? answer);
  } catch (err) {
    if (presses.get(key) === turn) set(id, kind, !on);
    notes.fail(err);
  }
}

function set(id: string, kind: keyof typeof switches, on: boolean): void {
  const { flag, count } = switches[kind];
  const status = statuses.get(id);
  if (!status || status[flag] === on) return;
  patch(id, { [flag]: on, ...(count ? { [count]: Math.max(0, status[count] + (on ? 1 : -1)) } : {}) });
}

/** Reacts with an emoji, or takes that back; shown at once, like the switches. */
export async function react(id: string, emoji: ReactionEmoji, on: boolean): Promise<void> {
  if (!session.token) return notes.say(t('post.replyNeedsAccount'));
  const key = `react ${id}`;
  const turn = (presses.get(key) ?? 0) + 1;
  presses.set(key, turn);
  setReaction(id, emoji, on);
  try {
    const answer = await api.react(id, emoji.name, on);
    if (presses.get(key) === turn) keep(answer);
  } catch (err) {
    setReaction(id, emoji, !on);
    notes.fail(err);
  }
}

function setReaction(id: string, emoji: ReactionEmoji, on: boolean): void {
  const pleroma = statuses.get(id)?.pleroma;
  if (!pleroma) return;
  const emoji_reactions = reacted(pleroma.emoji_reactions ?? [], emoji, on);
  patch(id, { pleroma: { ...pleroma, emoji_reactions } });
}

/** Takes the reader's own post out of one that quotes it. */
export async function revokeQuote(quoting: Status): Promise<void> {
  const quoted = quoting.quote?.quoted_status?.id;
  if (!quoted) return;
  try {
    keep(await api.revokeQuote(quoted, quoting.id));
    notes.say(t('quote.revoked.done'));
  } catch (err) {
    notes.fail(err);
  }
}

export async function remove(id: string): Promise<void> {
  try {
    await api.remove(id);
    forget(id);
    notes.say(t('post.deleted'));
  } catch (err) {
    notes.fail(err);
  }
}

export async function vote(status: Status, choices: number[]): Promise<void> {
  const poll = status.poll!;
  const options = poll.options.map((o, i) => ({
    ...o,
    votes_count: choices.includes(i) ? (o.votes_count ?? 0) + 1 : o.votes_count,
  }));
  const voters = poll.voters_count === null ? null : poll.voters_count + 1;
  const votes = poll.votes_count + choices.length;
  const mine = { voted: true, own_votes: choices };
  patch(status.id, { poll: { ...poll, options, voters_count: voters, votes_count: votes, ...mine } });
  try {
    setPoll(status.id, await api.vote(poll.id, choices));
  } catch (err) {
    setPoll(status.id, poll);
    notes.fail(err);
  }
}

export async function refreshPoll(status: Status): Promise<void> {
  try {
    setPoll(status.id, await api.poll(status.poll!.id));
  } catch (err) {
    notes.fail(err);
  }
}

const setPoll = (id: string, poll: Poll) => patch(id, { poll });

/** Follows, blocks, mutes …; shown at once as `expected`, and taken back if the server refuses. */
export async function relate(id: string, verb: string, expected: Partial<Relationship>): Promise<void> {
  if (!session.token) return notes.say(t('post.replyNeedsAccount'));
  const before = relationships.get(id);
  if (before) relationships.set(id, { ...before, ...expected });
  try {
    const answer = await api.relate(id, verb);
    relationships.set(id, answer);
    if (verb === 'follow' && answer.requested) void awaitAnswer(id);
  } catch (err) {
    if (before) relationships.set(id, before);
    notes.fail(err);
  }
}

/** When to ask whether a request was answered, in ms after the last time; most servers answer at once. */
const patience = [700, 1_500, 4_000, 10_000];

/** Looks whether a request to follow somebody elsewhere was accepted, for as long as the reader may wait for it. */
async function awaitAnswer(id: string): Promise<void> {
  for (const pause of patience) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (!relationships.get(id)?.requested) return;
    const [now] = await api.relationships([id]).catch(() => []);
    if (now) relationships.set(id, now);
  }
}

export async function copyLink(status: Status): Promise<void> {
  try {
    await navigator.clipboard.writeText(status.url ?? status.uri);
    notes.say(t('post.copied'));
  } catch {
    prompt(t('post.copy'), status.url ?? status.uri); // No clipboard over plain http.
  }
}
