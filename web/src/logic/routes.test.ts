import { describe, expect, it } from 'vitest';
import { isOurs, placeAt } from './routes';

describe('placeAt', () => {
  const cases: [path: string, want: Partial<ReturnType<typeof placeAt>>][] = [
    ['/', { page: 'home' }],
    ['/local/', { page: 'local' }],
    ['/@bo', { page: 'profile', acct: 'bo' }],
    ['/@bo@b.test', { page: 'profile', acct: 'bo@b.test' }],
    ['/@bo/123', { page: 'thread', acct: 'bo', id: '123' }],
    ['/@bo/followers', { page: 'followers', acct: 'bo' }],
    ['/tags/caf%C3%A9', { page: 'tag', tag: 'café' }],
    ['/tags/%ff', { page: 'tag', tag: '%ff' }],
    ['/what/is/this', { page: 'notFound' }],
  ];
  for (const [path, want] of cases) it(path, () => expect(placeAt(path)).toMatchObject(want));
});

describe('isOurs', () => {
  it('leaves the pages of the server to the server', () => {
    expect(
      ['/oauth/authorize', '/auth/sign_in', '/setup/abc', '/media/a.png', '/users/bo'].filter(isOurs),
    ).toEqual([]);
  });
});
