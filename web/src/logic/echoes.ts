import type { Status } from '../api/types';
import { threadPath } from './routes';

export const echoKinds = ['favouritedBy', 'boostedBy', 'reactedBy', 'quotedBy'] as const;
export type EchoKind = (typeof echoKinds)[number];

export interface Echo {
  kind: EchoKind;
  href: string;
  count: number;
}

const ends = { favouritedBy: 'favourites', boostedBy: 'boosts', reactedBy: 'reactions', quotedBy: 'quotes' };

/** Where it is told who did what with a post. */
export const echoPath = (acct: string, id: string, kind: EchoKind) => `${threadPath(acct, id)}/${ends[kind]}`;

/** What others did with a post, as far as anybody did. */
export function echoesOf(status: Status): Echo[] {
  const reactions = status.pleroma?.emoji_reactions ?? [];
  const counts = {
    favouritedBy: status.favourites_count,
    boostedBy: status.reblogs_count,
    reactedBy: reactions.reduce((sum, r) => sum + r.count, 0),
    quotedBy: status.quotes_count ?? 0,
  };
  return echoKinds
    .map((kind) => ({ kind, href: echoPath(status.account.acct, status.id, kind), count: counts[kind] }))
    .filter((e) => e.count > 0);
}
