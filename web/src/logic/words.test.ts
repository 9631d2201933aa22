import { describe, expect, it } from 'vitest';
import { pieces } from './emoji';
import { group } from './groups';
import { length } from './count';
import { sha256 } from './sha256';
import { complete, typing } from './suggest';
import { ago, until } from './time';
import { hostOf } from './url';
import { audienceOf, narrower } from './visibility';
import type { Account, Notification, Status } from '../api/types';

describe('length', () => {
  const cases: [name: string, text: string, warning: string, want: number][] = [
    ['letters', 'abc', '', 3],
    ['warnings count too', 'abc', 'de', 5],
    ['an address counts the same, however long', `https://x.test/${'a'.repeat(200)}`, '', 23],
    ['a mention counts without its host', 'hi @bo@long.example.org!', '', 7],
    ['what is seen as one counts as one', '👩‍👩‍👧 é', '', 3],
  ];
  for (const [name, text, warning, want] of cases) {
    it(name, () => expect(length(text, warning, 23)).toBe(want));
  }
});

describe('pieces', () => {
  const emoji = (shortcode: string) => ({ shortcode, url: '', static_url: '', visible_in_picker: true });
  it('cuts at known emoji', () => {
    expect(pieces('a :b: c', [emoji('b')])).toEqual(['a ', emoji('b'), ' c']);
  });
  it('lets a closing colon open the next', () => {
    expect(pieces(':x:b:', [emoji('b')])).toEqual([':x', emoji('b')]);
  });
});

describe('group', () => {
  const n = (id: string, type: string, who: string, status?: string): Notification => ({
    id,
    type,
    created_at: '',
    account: { id: who } as Account,
    status: status ? ({ id: status } as Status) : undefined,
  });
  it('joins favourites of one post, each person once', () => {
    const got = group([
      n('5', 'favourite', 'a', '1'),
      n('4', 'reblog', 'c', '1'),
      n('3', 'favourite', 'b', '1'),
      n('2', 'favourite', 'a', '1'),
    ]);
    expect(got.map((g) => [g.id, g.people.map((a) => a.id)])).toEqual([
      ['5', ['a', 'b']],
      ['4', ['c']],
    ]);
  });
  it('never joins mentions', () => {
    expect(group([n('2', 'mention', 'a', '1'), n('1', 'mention', 'a', '1')])).toHaveLength(2);
  });
  it('keeps what lies far apart apart', () => {
    const between = Array.from({ length: 25 }, (_, i) => n(`x${i}`, 'follow', 'z'));
    expect(group([n('2', 'favourite', 'a', '1'), ...between, n('1', 'favourite', 'b', '1')])).toHaveLength(
      27,
    );
  });
});

describe('sha256', () => {
  for (const text of ['', 'abc', 'a'.repeat(55), 'a'.repeat(56), 'a'.repeat(1000)]) {
    it(`of ${text.length} letters`, async () => {
      const bytes = new TextEncoder().encode(text);
      expect(sha256(bytes)).toEqual(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
    });
  }
});

describe('typing', () => {
  it('finds a person', () => expect(typing('hi @bo', 6)).toEqual({ kind: '@', word: 'bo', start: 3 }));
  it('finds an emoji right after a bracket', () => expect(typing('(:te', 4)?.word).toBe('te'));
  it('leaves addresses alone', () => expect(typing('a@bo', 4)).toBeNull());
  it('waits for two letters', () => expect(typing('#a', 2)).toBeNull());
  it('completes in the middle of a text', () => {
    expect(complete('hi @bo there', { kind: '@', word: 'bo', start: 3 }, '@bo@b.test')).toEqual({
      text: 'hi @bo@b.test there',
      cursor: 14,
    });
  });
});

describe('time', () => {
  const now = Date.parse('2026-03-10T12:00:00Z');
  const cases: [date: string, want: string][] = [
    ['2026-03-10T11:59:40Z', '20s'],
    ['2026-03-10T11:15:00Z', '45m'],
    ['2026-03-10T09:00:00Z', '3h'],
    ['2026-03-07T12:00:00Z', '3d'],
    ['2026-02-01T12:00:00Z', 'Feb 1'],
    ['2024-02-01T12:00:00Z', 'Feb 1, 2024'],
    ['2026-03-10T12:05:00Z', 'now'],
  ];
  for (const [date, want] of cases)
    it(`${date} is ${want}`, () => expect(ago(date, now, 'en-US')).toBe(want));
  it('counts to an end', () => expect(until('2026-03-10T15:00:00Z', now, 'en')).toBe('in 3 hours'));
});

describe('hostOf', () => {
  const cases: [address: string | null, want: string][] = [
    ['https://b.test:8080/@bo', 'b.test:8080'],
    ['javascript:alert(1)', ''],
    ['https://', ''],
    ['at://did:plc:x', ''],
    [null, ''],
  ];
  for (const [address, want] of cases) it(String(address), () => expect(hostOf(address)).toBe(want));
});

describe('audience', () => {
  it('tells local posts from public ones', () => {
    expect(audienceOf({ visibility: 'public', local_only: true })).toBe('local');
    expect(audienceOf({ visibility: 'direct', local_only: true })).toBe('direct');
  });
  it('takes the narrower', () => {
    expect(narrower('public', 'private')).toBe('private');
    expect(narrower('direct', 'unlisted')).toBe('direct');
  });
});
