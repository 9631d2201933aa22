import { describe, expect, it } from 'vitest';
import { reacted, withMine } from './reactions';

const tea = { name: 'tea', url: '/tea.png' };
const list = [
  { name: '🎉', count: 2, me: false },
  { ...tea, count: 1, me: true },
];

describe('reactions', () => {
  it('are joined, begun, left and ended', () => {
    expect(reacted(list, { name: '🎉' }, true)[0]).toEqual({ name: '🎉', count: 3, me: true });
    expect(reacted(list, { name: '❤️' }, true)[2]).toEqual({ name: '❤️', count: 1, me: true });
    expect(reacted(reacted(list, { name: '🎉' }, true), { name: '🎉' }, false)).toEqual(list);
    expect(reacted(list, tea, false)).toEqual([list[0]]);
  });

  it('do not count one person twice', () => {
    expect(reacted(list, tea, true)).toEqual(list);
    expect(reacted(list, { name: '🎉' }, false)).toEqual(list);
    expect(reacted(list, { name: '❤️' }, false)).toEqual(list);
  });

  it('stay the reader’s when others see them change', () => {
    const seen = [
      { name: 'tea', count: 4, me: false },
      { name: '🎉', count: 2, me: false },
    ];
    expect(withMine(seen, list).map((r) => r.me)).toEqual([true, false]);
  });
});
