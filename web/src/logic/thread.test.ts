import { describe, expect, it } from 'vitest';
import { size, tree } from './thread';

const post = (id: string, in_reply_to_id: string | null) => ({ id, in_reply_to_id });

describe('tree', () => {
  it('hangs each reply on what it answers', () => {
    const got = tree('1', [post('2', '1'), post('3', '2'), post('4', '1'), post('5', '2')]);
    expect(got).toEqual([
      {
        id: '2',
        replies: [
          { id: '3', replies: [] },
          { id: '5', replies: [] },
        ],
      },
      { id: '4', replies: [] },
    ]);
    expect(size(got)).toBe(4);
  });
  it('hangs replies to what is missing on the post itself', () => {
    expect(tree('1', [post('3', 'gone')])).toEqual([{ id: '3', replies: [] }]);
  });
  it('survives a circle', () => {
    const got = tree('1', [post('2', '3'), post('3', '2'), post('4', '4')]);
    expect(size(got)).toBe(3);
  });
});
