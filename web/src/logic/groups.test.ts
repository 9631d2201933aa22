import { describe, expect, it } from 'vitest';
import type { Notification } from '../api/types';
import { add, group } from './groups';

const reaction = (id: string, by: string, emoji: string, emoji_url: string | null = null) =>
  ({
    id,
    type: 'pleroma:emoji_reaction',
    created_at: '',
    account: { id: by },
    status: { id: '7' },
    emoji,
    emoji_url,
  }) as Notification;

describe('notifications of reactions', () => {
  const page = [
    reaction('3', 'bo', '🎉'),
    reaction('2', 'cyn', 'tea', '/tea.png'),
    reaction('1', 'dao', '🎉'),
  ];

  it('are told together, with each emoji once', () => {
    const [all, ...more] = group(page);
    expect(more).toEqual([]);
    expect(all.people.map((p) => p.id)).toEqual(['bo', 'cyn', 'dao']);
    expect(all.emojis).toEqual([
      { name: '🎉', url: null },
      { name: 'tea', url: '/tea.png' },
    ]);
  });

  it('put the newest emoji first', () => {
    const [all] = add(group(page), reaction('4', 'eli', '❤️'));
    expect(all.emojis?.map((e) => e.name)).toEqual(['❤️', '🎉', 'tea']);
    expect(all.count).toBe(4);
  });
});
