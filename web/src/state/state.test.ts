import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Status } from '../api/types';
import { press } from './actions';
import { keep, keepEdited, patch, statuses } from './entities.svelte';
import { hear } from './live';
import { session } from './session.svelte';
import { t } from './text';
import { Thread, watch } from './thread.svelte';
import { forgetTimelines, timeline, type Timeline } from './timeline.svelte';

function status(id: string, more: Partial<Status> = {}): Status {
  return {
    id,
    account: { id: 'a', acct: 'bo' },
    content: '',
    visibility: 'public',
    favourites_count: 3,
    favourited: false,
    in_reply_to_id: null,
    reblog: null,
    poll: null,
    ...more,
  } as Status;
}

/** Answers that the test gives when it wants to, by path. */
let waiting: { path: string; answer: (body: unknown, code?: number, link?: string) => Promise<void> }[];

beforeEach(() => {
  waiting = [];
  statuses.clear();
  forgetTimelines();
  session.token = 'secret';
  vi.stubGlobal(
    'fetch',
    (path: string) =>
      new Promise((resolve) => {
        const answer = async (body: unknown, status = 200, link = '') => {
          resolve(new Response(JSON.stringify(body), { status, headers: link ? { Link: link } : {} }));
          await new Promise((done) => setTimeout(done, 5));
        };
        waiting.push({ path, answer });
      }),
  );
});
afterEach(() => vi.unstubAllGlobals());

describe('press', () => {
  const now = () => [statuses.get('1')?.favourited, statuses.get('1')?.favourites_count];
  beforeEach(() => void keep(status('1')));

  it('shows at once and takes over what the server says', async () => {
    void press('1', 'favourite');
    expect(now()).toEqual([true, 4]);
    await waiting[0].answer(status('1', { favourited: true, favourites_count: 9 }));
    expect(now()).toEqual([true, 9]);
  });

  it('takes back only its own change', async () => {
    void press('1', 'favourite');
    patch('1', { content: 'edited meanwhile', favourites_count: 6 });
    await waiting[0].answer({ error: 'no' }, 422);
    expect(now()).toEqual([false, 5]);
    expect(statuses.get('1')?.content).toBe('edited meanwhile');
  });

  it('minds the last of several presses, in whatever order the answers come', async () => {
    void press('1', 'favourite');
    void press('1', 'favourite');
    expect(waiting.map((w) => w.path.split('/').at(-1))).toEqual(['favourite', 'unfavourite']);
    await waiting[1].answer(status('1', { favourited: false, favourites_count: 3 }));
    await waiting[0].answer(status('1', { favourited: true, favourites_count: 4 }));
    expect(now()).toEqual([false, 3]);
  });

  it('shows a boost on the post, not on the answer around it', async () => {
    void press('1', 'boost');
    await waiting[0].answer(status('9', { reblog: status('1', { reblogged: true }) }));
    expect(statuses.get('1')?.reblogged).toBe(true);
  });
});

describe('keepEdited', () => {
  it('keeps what is the reader’s own', () => {
    keep(status('1', { favourited: true, bookmarked: true }));
    keepEdited(status('1', { content: 'new', favourited: false }));
    expect(statuses.get('1')).toMatchObject({ content: 'new', favourited: true, bookmarked: true });
  });
});

describe('Timeline', () => {
  let home: Timeline;
  const link = '<https://a.test/api/v1/timelines/home?max_id=1>; rel="next"';
  const update = (id: string) =>
    hear({ stream: ['user'], event: 'update', payload: JSON.stringify(status(id)) });

  beforeEach(async () => {
    home = timeline('home');
    void home.open();
    await waiting[0].answer([status('2'), status('1')], 200, link);
  });

  it('lets what arrives wait', () => {
    update('3');
    update('3');
    expect(home.entries).toEqual(['2', '1']);
    expect(home.freshCount).toBe(1);
    home.showFresh();
    expect(home.entries).toEqual(['3', '2', '1']);
    expect(home.freshCount).toBe(0);
  });

  it('shows what the reader wrote, once', () => {
    update('3');
    home.insert(status('3'));
    update('3');
    expect(home.entries).toEqual(['3', '2', '1']);
    expect(home.freshCount).toBe(0);
  });

  it('loses what was deleted', () => {
    update('3');
    hear({ stream: ['user'], event: 'delete', payload: '3' });
    hear({ stream: ['user'], event: 'delete', payload: '2' });
    expect([home.entries, home.freshCount]).toEqual([['1'], 0]);
  });

  it('goes on where the server says', async () => {
    void home.more();
    expect(waiting[1].path).toBe('/api/v1/timelines/home?max_id=1');
    await waiting[1].answer([status('0')]);
    expect([home.entries, home.done]).toEqual([['2', '1', '0'], true]);
  });

  it('says why it could not be read, and can try again', async () => {
    void home.more();
    await waiting[1].answer({}, 500);
    expect(home.failure).toBe(t('error.server'));
    void home.more();
    expect(home.failure).toBe('');
  });

  it('is short again at the top, and can still be read to the end', () => {
    for (let n = 100; n < 400; n++) update(String(n));
    home.showFresh();
    expect(home.entries).toHaveLength(200);
    void home.more();
    expect(waiting[1].path).toBe('/api/v1/timelines/home?max_id=200');
  });
});

describe('Thread', () => {
  it('takes answers that arrive while it is shown', async () => {
    keep(status('1'));
    const thread = new Thread('1');
    const stop = watch(thread);
    void thread.load();
    await waiting[0].answer({ ancestors: [], descendants: [status('2', { in_reply_to_id: '1' })] });
    const say = (id: string, to: string) =>
      hear({
        stream: ['user'],
        event: 'update',
        payload: JSON.stringify(status(id, { in_reply_to_id: to })),
      });
    say('3', '2');
    say('4', 'elsewhere');
    expect(thread.replies).toEqual([{ id: '2', replies: [{ id: '3', replies: [] }] }]);
    hear({ stream: ['user'], event: 'delete', payload: '3' });
    expect(thread.replies).toEqual([{ id: '2', replies: [] }]);
    stop();
    say('5', '2');
    expect(thread.replies).toEqual([{ id: '2', replies: [] }]);
  });
});

describe('t', () => {
  it('fills in and counts', () => {
    expect(t('post.boosted', { name: 'Bo' })).toBe('Bo boosted');
    expect([1, 2, 1200].map((count) => t('feed.new', { count }))).toEqual([
      '1 new post',
      '2 new posts',
      '1,200 new posts',
    ]);
    expect(t('tag.title', { tag: 'tea' })).toBe('#tea');
  });
});
