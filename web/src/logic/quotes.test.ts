import { describe, expect, it } from 'vitest';
import type { Status } from '../api/types';
import { quotePolicyOf, veilOf } from './quotes';

const status = { id: '1' } as Status;

describe('veilOf', () => {
  it('shows what may be shown', () => {
    expect(veilOf({ state: 'accepted' }, status)).toBeUndefined();
  });

  it('says why not, and lets one look at what one only avoids', () => {
    for (const why of ['pending', 'rejected', 'revoked', 'deleted', 'unauthorized'])
      expect(veilOf({ state: why }, status)).toEqual({ why, hidden: false });
    for (const why of ['blocked_account', 'blocked_domain', 'muted_account']) {
      expect(veilOf({ state: why }, status)).toEqual({ why, hidden: true });
      expect(veilOf({ state: why }, undefined)).toEqual({ why, hidden: false });
    }
    expect(veilOf({ state: 'something new' }, status)?.why).toBe('other');
    expect(veilOf({ state: 'accepted' }, undefined)?.why).toBe('deleted');
  });

  it('minds filters, but for those that only blur', () => {
    const filtered = (filter_action: 'warn' | 'blur') =>
      veilOf(
        { state: 'accepted' },
        { ...status, filtered: [{ filter: { title: 'Sports', filter_action } }] },
      );
    expect(filtered('warn')).toEqual({ why: 'filtered', title: 'Sports', hidden: true });
    expect(filtered('blur')).toBeUndefined();
  });
});

it('quotePolicyOf reads the widest circle', () => {
  const of = (...automatic: string[]) =>
    quotePolicyOf({ quote_approval: { automatic, manual: [], current_user: 'automatic' } });
  expect([of('public'), of('followers'), of('unsupported_policy'), of(), quotePolicyOf({})]).toEqual([
    'public',
    'followers',
    'nobody',
    'nobody',
    'nobody',
  ]);
});
