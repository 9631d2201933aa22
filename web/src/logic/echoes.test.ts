import { expect, it } from 'vitest';
import type { Status } from '../api/types';
import { echoesOf } from './echoes';
import { placeAt } from './routes';

it('echoesOf tells what was done, each with a page of its own', () => {
  const status = {
    id: '7',
    account: { acct: 'bo@b.test' },
    favourites_count: 3,
    reblogs_count: 0,
    quotes_count: 2,
    pleroma: {
      emoji_reactions: [
        { name: '🎉', count: 2, me: false },
        { name: 'tea', count: 1, me: true },
      ],
    },
  } as Status;
  const echoes = echoesOf(status);
  expect(echoes.map((e) => [e.kind, e.count])).toEqual([
    ['favouritedBy', 3],
    ['reactedBy', 3],
    ['quotedBy', 2],
  ]);
  for (const { kind, href } of echoes)
    expect(placeAt(href)).toMatchObject({ page: kind, acct: 'bo@b.test', id: '7' });
});
