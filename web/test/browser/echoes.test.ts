import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shoot } from './browser';
import { button, fake, page, post, problems, saved, stage, violations, visit } from './stage';

stage();

const rain = 'Rain at last';

describe('what became of a post', () => {
  for (const look of [
    { size: 'desktop', dark: true },
    { size: 'phone', dark: false },
  ] as const) {
    it(`is told from its page, ${look.size} ${look.dark ? 'dark' : 'light'}`, async () => {
      await visit('/', look);
      await page.goto(`/@cyn@garden.example/${saved(rain).id}`);
      await page.getByRole('link', { name: '6 favourites' }).click();
      await page.getByRole('link', { name: /@bo/ }).first().waitFor();
      assert.equal(await page.locator('main li').count(), 4);
      assert.deepEqual(await violations(), []);
      await page.getByRole('link', { name: 'Reactions' }).click();
      await page.getByRole('region', { name: '🌧️, 3 reactions' }).getByText('@bo').waitFor();
      await page.getByRole('region', { name: ':tea:, 1 reaction' }).getByText('@eli').waitFor();
      await shoot(page, 'test', `echoes-${look.size}${look.dark ? '-dark' : ''}`);
      assert.deepEqual(await violations(), []);
      await page.goto(`/@ann/${saved('Four weeks').id}/quotes`);
      await post('This, a hundred times').waitFor();
      assert.deepEqual(problems, []);
    });
  }

  it('includes how it changed', async () => {
    await visit('/', { guest: true });
    saved(rain).edited_at = new Date().toISOString();
    await page.goto(`/@cyn@garden.example/${saved(rain).id}`);
    await page.getByRole('link', { name: /^Edited/ }).click();
    await page.getByText('As it was first said.').waitFor();
    const versions = await page.locator('main li').allInnerTexts();
    assert.match(versions[0], /^Now, since[^]*Rain at last/);
    assert.match(versions[1], /^Written[^]*As it was first said/);
    await shoot(page, 'test', 'history');
    assert.deepEqual(await violations(), []);
  });
});

describe('translation', () => {
  const words = 'Guten Morgen vom Markt';

  it('puts a post into the language of the reader, and back', async () => {
    await visit('/', { guest: true });
    fake.world.post(fake.world.accounts[1], words, { language: 'de' });
    await page.evaluate(() => localStorage.setItem('kenoma.token', '"ann"'));
    await page.goto('/');
    await button('Translate from German').click();
    await post('Good morning from the market')
      .getByText('Translated from German by LibreTranslate')
      .waitFor();
    await shoot(page, 'test', 'translation');
    assert.deepEqual(await violations(), []);
    await button('Show the original').click();
    await post(words).waitFor();
    assert.equal(await button(/^Translate from/).count(), 1);
  });

  it('says why it failed', async () => {
    await visit('/', { guest: true });
    const made = fake.world.post(fake.world.accounts[1], words, { language: 'de' });
    fake.failing.set(`POST /api/v1/statuses/${made.id}/translate`, 422);
    await page.evaluate(() => localStorage.setItem('kenoma.token', '"ann"'));
    await page.goto('/');
    await button('Translate from German').click();
    await page.getByText('This fails on purpose').waitFor();
    await post(words).waitFor();
  });
});
