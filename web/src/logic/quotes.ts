import type { Quote, QuotePolicy, Status } from '../api/types';

/** Why a quoted post is not simply shown. `hidden` ones can be looked at all the same. */
export type Veil = { why: string; title?: string; hidden: boolean };

const avoided = ['blocked_account', 'blocked_domain', 'muted_account'];
const known = ['pending', 'rejected', 'revoked', 'deleted', 'unauthorized', ...avoided];

/** What stands in the place of a quoted post; nothing, if it is to be shown. */
export function veilOf(quote: Quote, status: Status | undefined): Veil | undefined {
  const filter = status?.filtered?.find((f) => f.filter.filter_action !== 'blur')?.filter.title;
  if (avoided.includes(quote.state)) return { why: quote.state, hidden: !!status };
  if (quote.state !== 'accepted')
    return { why: known.includes(quote.state) ? quote.state : 'other', hidden: false };
  if (!status) return { why: 'deleted', hidden: false };
  return filter ? { why: 'filtered', title: filter, hidden: true } : undefined;
}

/** The policy that a post has, as its author chose it. */
export function quotePolicyOf(status: Pick<Status, 'quote_approval'>): QuotePolicy {
  const who = status.quote_approval?.automatic ?? [];
  return who.includes('public') ? 'public' : who.includes('followers') ? 'followers' : 'nobody';
}
