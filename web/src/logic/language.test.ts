import { readdirSync, readFileSync, statSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bestLanguage, faults, fill, languages, variety, type Catalogue } from './language';

const folder = 'src/messages';
const read = (code: string) => JSON.parse(readFileSync(`${folder}/${code}.json`, 'utf8')) as Catalogue;
const english = read('en');

describe('translations', () => {
  it('are a file for each language', () => {
    const files = readdirSync(folder).map((name) => name.replace(/\.json$/, ''));
    expect(files.sort()).toEqual(languages.map(({ code }) => code).sort());
  });
  for (const { code } of languages) {
    it(`${code} has every text, with its parameters and plural forms`, () =>
      expect(faults(code, english, read(code))).toEqual([]));
    it(`${code} is small`, () => {
      expect(statSync(`${folder}/${code}.json`).size).toBeLessThanOrEqual(40_000);
      expect(gzipSync(readFileSync(`${folder}/${code}.json`)).length).toBeLessThanOrEqual(12_000);
    });
  }
});

describe('faults', () => {
  const source: Catalogue = { a: 'to {name}', b: { one: '# post by {who}', other: '# posts by {who}' } };
  const good = { one: '# {who}', few: '# {who}', many: '# {who}', other: '# {who}' };
  const cases: [name: string, target: Catalogue, want: string[]][] = [
    ['nothing', { a: 'do {name}', b: good }, []],
    ['a missing key', { b: good }, ['a: missing']],
    ['an unknown key', { a: '{name}', b: good, c: 'c' }, ['c: unknown']],
    ['a parameter with another name', { a: 'do {nazwa}', b: good }, ['a: other parameters']],
    ['an empty text', { a: '', b: good }, ['a: other parameters']],
    ['no forms', { a: '{name}', b: '# {who}' }, ['b: plural forms in one of the two only']],
    [
      'a form too few',
      { a: '{name}', b: { one: '# {who}', few: '# {who}', other: '# {who}' } },
      ['b: form many is missing'],
    ],
    ['a form too many', { a: '{name}', b: { ...good, two: '# {who}' } }, ['b: form two is unknown']],
    [
      'a form without its number',
      { a: '{name}', b: { ...good, few: '{who}' } },
      ['b: no number in form few'],
    ],
    [
      'a form without its parameter',
      { a: '{name}', b: { ...good, few: '#' } },
      ['b: other parameters in form few'],
    ],
  ];
  for (const [name, target, want] of cases)
    it(`sees ${name}`, () => expect(faults('pl', source, target)).toEqual(want));
});

describe('fill', () => {
  const cases: [code: string, count: number, want: string][] = [
    ['en', 1, '1 new post'],
    ['en', 1_200, '1,200 new posts'],
    ['de', 1_200, '1.200 neue Beiträge'],
    ['fr', 0, '0 nouveau message'],
    ['pl', 1, '1 nowy wpis'],
    ['pl', 3, '3 nowe wpisy'],
    ['pl', 12, '12 nowych wpisów'],
    ['pl', 22, '22 nowe wpisy'],
    ['pl', 25, '25 nowych wpisów'],
    ['ja', 1, '新しい投稿 1件'],
  ];
  for (const [code, count, want] of cases)
    it(`${count} in ${code}`, () =>
      expect(
        fill(read(code)['feed.new'], { count }, new Intl.PluralRules(code), new Intl.NumberFormat(code)),
      ).toBe(want));
  it('leaves what it does not know', () =>
    expect(fill('{a} #{b}', { a: '{b}' }, new Intl.PluralRules('en'), new Intl.NumberFormat('en'))).toBe(
      '{b} #{b}',
    ));
});

describe('bestLanguage', () => {
  const cases: [wanted: string[], want: string][] = [
    [['de-AT', 'en'], 'de'],
    [['nl', 'fr-CA', 'en'], 'fr'],
    [['zh'], 'zh-CN'],
    [['zh-Hans-SG'], 'zh-CN'],
    [['zh-TW', 'en'], 'en'],
    [['zh-TW', 'zh', 'en'], 'zh-CN'],
    [['xx', ''], 'en'],
    [[], 'en'],
  ];
  for (const [wanted, want] of cases)
    it(`${wanted} gets ${want}`, () => expect(bestLanguage(wanted)).toBe(want));
  it('keeps the variety', () => {
    expect(variety('de', ['fr', 'de-AT'])).toBe('de-AT');
    expect(variety('pl', ['de-AT'])).toBe('pl');
  });
});
