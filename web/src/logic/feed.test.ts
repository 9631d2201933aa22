import { describe, expect, it } from 'vitest';
import { afterAbsence, append, fill, newer, without, type Entry } from './feed';

describe('afterAbsence', () => {
  const cases: { name: string; list: Entry[]; page: string[]; full: boolean; want: Entry[] }[] = [
    { name: 'nothing new', list: ['3', '2'], page: ['3', '2'], full: true, want: ['3', '2'] },
    { name: 'the first page', list: [], page: ['3', '2'], full: true, want: ['3', '2'] },
    {
      name: 'new ones that reach the list',
      list: ['3', '2'],
      page: ['5', '4', '3'],
      full: true,
      want: ['5', '4', '3', '2'],
    },
    {
      name: 'a short page leaves nothing out',
      list: ['3'],
      page: ['9', '8'],
      full: false,
      want: ['9', '8', '3'],
    },
    {
      name: 'a full page that does not reach',
      list: ['3'],
      page: ['9', '8'],
      full: true,
      want: ['9', '8', { below: '8', above: '3' }, '3'],
    },
  ];
  for (const { name, list, page, full, want } of cases) {
    it(name, () => expect(afterAbsence(list, page, full)).toEqual(want));
  }
});

describe('fill', () => {
  const gap = { below: '8', above: '3' };
  it('closes when the page reaches the other side', () => {
    expect(fill(['9', '8', gap, '3'], gap, ['7', '5', '3'], true)).toEqual(['9', '8', '7', '5', '3']);
  });
  it('stays open, smaller, when it does not', () => {
    expect(fill(['8', gap, '3'], gap, ['7', '6'], true)).toEqual([
      '8',
      '7',
      '6',
      { below: '6', above: '3' },
      '3',
    ]);
  });
  it('closes when nothing was in it', () => {
    expect(fill(['8', gap, '3'], gap, ['3', '2'], true)).toEqual(['8', '3']);
  });
  it('keeps what lies below the list out', () => {
    expect(fill(['8', gap, '3'], gap, ['7', '2'], false)).toEqual(['8', '7', '3']);
  });
  it('does nothing for a gap that is no longer there', () => {
    expect(fill(['8', '3'], gap, ['7'], false)).toEqual(['8', '3']);
  });
});

describe('append and without', () => {
  it('adds only what is not there', () => expect(append(['3', '2'], ['2', '1'])).toEqual(['3', '2', '1']));
  it('takes out', () => expect(without(['3', '2'], '3')).toEqual(['2']));
  it('keeps the very list when there is nothing to take out', () => {
    const list = ['3'];
    expect(without(list, '9')).toBe(list);
  });
});

describe('newer', () => {
  it('goes by length first', () => expect(newer('10', '9')).toBeGreaterThan(0));
  it('then by text', () => expect(newer('11', '12')).toBeLessThan(0));
  it('is even with itself', () => expect(newer('7', '7')).toBe(0));
});
