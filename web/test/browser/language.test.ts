import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { languages } from '../../src/logic/language';
import { shoot, type Look } from './browser';
import { button, fake, page, post, problems, saved, stage, until, violations, visit } from './stage';

stage();

const html = () => page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]);
const texts = () =>
  fake.seen.filter((s) => languages.some(({ code }) => s.startsWith(`GET /assets/${code}-`)));

/** Buttons and links whose words do not fit into them, and whether the page is wider than the window. */
const overflowing = () =>
  page.evaluate(() => {
    const bad = [...document.querySelectorAll<HTMLElement>('button, .button, [role=tab], h1, h2, label')]
      .filter((e) => e.checkVisibility() && e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1)
      .map((e) => `${e.className} ${e.textContent?.trim()} ${e.scrollWidth} > ${e.clientWidth}`);
    const wide = document.documentElement.scrollWidth;
    return wide > innerWidth ? [...bad, `page ${wide} > ${innerWidth}`] : bad;
  });

const places = (): [name: string, path: string, shown: () => Promise<unknown>][] => [
  ['home', '/', () => post('Rain at last').waitFor()],
  ['thread', `/@bo/${saved('Peas, always').id}`, () => page.getByText('same here').waitFor()],
  ['profile', '/@bo', () => page.locator('article').first().waitFor()],
  ['settings', '/settings', () => page.locator('select').first().waitFor()],
  ['notifications', '/notifications', () => page.locator('.notice').first().waitFor()],
];

describe('the language', () => {
  it('is that of the browser, in little more than English takes', async () => {
    await visit('/', { locale: 'de-AT' });
    await button('Neuer Beitrag').first().waitFor();
    await post('Rain at last').waitFor();
    assert.deepEqual(await html(), ['de', 'ltr']);
    const files = fake.seen.flatMap((s) => /^GET \/(assets\/.+\.(?:js|css))$/.exec(s)?.[1] ?? []);
    assert.ok(files.length <= 6, files.join());
    assert.equal(texts().length, 1, texts().join());
    const script = files
      .filter((name) => name.endsWith('.js'))
      .reduce((sum, name) => sum + statSync(new URL(`../../dist/${name}.gz`, import.meta.url)).size, 0);
    assert.ok(script <= 70_000, `${script} bytes of script`);
    assert.deepEqual(problems, []);
  });

  it('can be chosen, and is remembered', async () => {
    await visit('/settings');
    await page.getByLabel('Language').selectOption('pl');
    await page.getByRole('heading', { name: 'Ustawienia' }).waitFor();
    assert.deepEqual(await html(), ['pl', 'ltr']);
    await page.reload();
    await page.getByRole('heading', { name: 'Ustawienia' }).waitFor();
    await page.getByLabel('Język').selectOption('');
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('kenoma.language')), null);
    assert.deepEqual(problems, []);
  });

  it('is English where the browser’s is none of ours, and where texts cannot be loaded', async () => {
    await visit('/', { locale: 'fi' });
    await button('New post').first().waitFor();
    assert.deepEqual(texts(), []);
    await page.route(/assets\/fr-/, (route) => route.abort());
    await page.evaluate(() => localStorage.setItem('kenoma.language', '"fr"'));
    await page.reload();
    await button('New post').first().waitFor();
    assert.deepEqual(await html(), ['en', 'ltr']);
  });
});

describe('in every language', () => {
  for (const { code } of languages) {
    for (const size of ['phone', 'desktop'] as Look['size'][]) {
      it(`words fit, ${code} ${size}`, async () => {
        await visit('/', { size, locale: code });
        for (const [name, path, shown] of places()) {
          await page.goto(path);
          await shown();
          await shoot(page, 'test', `${code}-${name}-${size}`);
          assert.deepEqual(await overflowing(), [], `${name} overflows`);
        }
        assert.deepEqual(problems, []);
      });
    }
  }
});

describe('from right to left', () => {
  for (const size of ['phone', 'desktop'] as Look['size'][]) {
    it(`everything is mirrored, ${size}`, async () => {
      await visit('/', { size });
      for (const [name, path, shown] of places()) {
        await page.goto(path);
        await shown();
        await page.evaluate(() => (document.documentElement.dir = 'rtl'));
        await until(() => page.evaluate(() => document.dir === 'rtl'), 'the direction did not change');
        assert.deepEqual(await overflowing(), [], `${name} overflows`);
        assert.deepEqual(await violations(), [], name);
        await shoot(page, 'test', `rtl-${name}-${size}`);
      }
      // Avatars begin a line, at the right.
      await page.goto('/');
      await page.evaluate(() => (document.documentElement.dir = 'rtl'));
      const whole = (await post('Rain at last').boundingBox())!;
      const avatar = (await post('Rain at last').locator('img').first().boundingBox())!;
      assert.ok(avatar.x > whole.x + whole.width / 2, 'the avatar is at the left');
    });
  }
});
