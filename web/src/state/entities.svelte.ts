import { SvelteMap } from 'svelte/reactivity';
import type { Account, Relationship, Status } from '../api/types';
import { withMine } from '../logic/reactions';

/**
 * Every post, account and relationship that was read, once, by id. Values are never changed in place: a new
 * one takes the old one's place, and whoever shows that id is drawn again.
 */
export const statuses = new SvelteMap<string, Status>();
export const accounts = new SvelteMap<string, Account>();
export const relationships = new SvelteMap<string, Relationship>();

/** Remembers a post, what it boosts or quotes, and who wrote them. */
export function keep(status: Status): string {
  if (status.reblog) keep(status.reblog);
  const quoted = status.quote?.quoted_status;
  if (quoted && !statuses.has(quoted.id)) keep(quoted); // What is known already says more.
  keepAccount(status.account);
  statuses.set(status.id, status);
  return status.id;
}

export const keepAll = (list: Status[]): string[] => list.map(keep);

export function keepAccount(account: Account): string {
  accounts.set(account.id, account);
  return account.id;
}

/** Changes some fields of a post that is known. */
export function patch(id: string, changes: Partial<Status>): void {
  const old = statuses.get(id);
  if (old) statuses.set(id, { ...old, ...changes });
}

/**
 * Takes over what others see of an edited post. The stream sends it as nobody in particular sees it, so what
 * is ours (our favourite, our vote) stays as it was.
 */
export function keepEdited(status: Status): void {
  const old = statuses.get(status.id);
  if (!old) return;
  const { favourited, reblogged, bookmarked, muted, pinned } = old;
  const poll = status.poll && { ...status.poll, voted: old.poll?.voted, own_votes: old.poll?.own_votes };
  const reactions = status.pleroma?.emoji_reactions;
  const pleroma = reactions && {
    ...status.pleroma,
    emoji_reactions: withMine(reactions, old.pleroma?.emoji_reactions),
  };
  const mine = { poll, favourited, reblogged, bookmarked, muted, pinned };
  statuses.set(status.id, { ...status, ...mine, pleroma: pleroma ?? status.pleroma });
}

export function forgetAll(): void {
  statuses.clear();
  accounts.clear();
  relationships.clear();
}
