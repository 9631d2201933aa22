import names from 'virtual:emoji-names';
import { describe, expect, it } from 'vitest';
import { findEmoji, readEmoji } from './unicode';

describe('emoji of Unicode', () => {
  const groups = readEmoji(names);
  const found = (words: string) => findEmoji(groups, words).map((e) => e.emoji);

  it('are all there, in the groups of Unicode', () => {
    expect(groups.map((g) => g.name)).toContain('Animals & Nature');
    expect(groups.flatMap((g) => g.emojis).length).toBeGreaterThan(1_800);
    // The keycap is a sign of the list's own form.
    expect(found('keycap').slice(0, 2)).toEqual(['#️⃣', '*️⃣']);
  });

  it('are found by the beginnings of words, by name before other words', () => {
    expect(found('red hea')[0]).toBe('❤️');
    expect(found('thumbs up')[0]).toBe('👍');
    expect(found('smile').indexOf('😀')).toBeGreaterThan(-1);
    expect(found('no such thing')).toEqual([]);
  });
});
