import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shoot } from './browser';
import { button, fake, page, post, problems, saved, stage, until, violations, visit } from './stage';

stage();

const rain = 'Rain at last';
const reactions = () => saved(rain).pleroma!.emoji_reactions!.map((r) => `${r.name} ${r.count}`);

describe('reactions', () => {
  it('are shown with who, joined, and left', async () => {
    await visit('/');
    const chip = post(rain).getByRole('button', { name: /^🌧️/ });
    await chip.hover();
    await until(
      async () => /Bo .*and 1 other/.test((await chip.getAttribute('title')) ?? ''),
      'the names are not told',
    );
    await chip.click();
    await post(rain).getByRole('button', { name: '🌧️, 4 reactions', pressed: true }).waitFor();
    await until(() => reactions().includes('🌧️ 4'), 'the server was not told');
    await chip.click();
    await post(rain).getByRole('button', { name: '🌧️, 3 reactions', pressed: false }).waitFor();
    await until(() => reactions().includes('🌧️ 3'), 'the server was not told');
    assert.deepEqual(problems, []);
  });

  it('are taken back, with the reason, when the server refuses', async () => {
    await visit('/');
    fake.failing.set(`PUT /api/v1/pleroma/statuses/${saved(rain).id}/reactions/tea`, 422);
    await post(rain)
      .getByRole('button', { name: /^:tea:/ })
      .click();
    await page.getByText('This fails on purpose').waitFor();
    await post(rain).getByRole('button', { name: ':tea:, 1 reaction', pressed: false }).waitFor();
  });

  for (const look of [
    { size: 'desktop', dark: false },
    { size: 'phone', dark: true },
  ] as const) {
    it(`are picked from all emoji, ${look.size} ${look.dark ? 'dark' : 'light'}`, async () => {
      await visit('/', look);
      const react = post(rain).getByRole('button', { name: 'React with an emoji' });
      await react.click();
      const picker = page.getByRole('dialog', { name: 'React with an emoji' });
      await picker.getByRole('button', { name: 'grinning face', exact: true }).waitFor();
      await shoot(page, 'test', `reactions-picker-${look.size}${look.dark ? '-dark' : ''}`);
      assert.deepEqual(await violations(), []);
      await picker.getByRole('searchbox').fill('red hea');
      await page.keyboard.press('Enter');
      await post(rain).getByRole('button', { name: '❤️, 1 reaction', pressed: true }).waitFor();
      await until(() => reactions().includes('❤️ 1'), 'the server was not told');

      await react.click();
      await picker.getByRole('button', { name: 'red heart' }).first().waitFor(); // Lately used.
      await picker.getByRole('button', { name: ':spark:' }).click();
      await post(rain).getByRole('button', { name: ':spark:, 1 reaction', pressed: true }).waitFor();
      await until(() => reactions().includes('spark 1'), 'the server was not told');
      await post(rain).scrollIntoViewIfNeeded();
      await shoot(page, 'test', `reactions-${look.size}${look.dark ? '-dark' : ''}`);
      assert.deepEqual(await violations(), []);
      assert.deepEqual(problems, []);
    });
  }

  it('are told of with their emoji', async () => {
    await visit('/notifications');
    await page.getByText('reacted to your post').first().waitFor();
    const notice = page.locator('.notice', { hasText: 'reacted to your post' });
    assert.equal(await notice.count(), 1);
    await notice.getByText('🍞').waitFor();
    await notice.getByAltText(':tea:').first().waitFor();
    await shoot(page, 'test', 'reactions-notice');
  });

  it('are written into a post from the same picker', async () => {
    await visit('/');
    await button('New post').first().click();
    const text = page.getByRole('dialog', { name: 'New post' }).getByRole('textbox');
    await text.fill('Well done');
    await page
      .getByRole('dialog', { name: 'New post' })
      .getByRole('button', { name: 'Insert an emoji' })
      .click();
    await page.getByRole('searchbox', { name: 'Find an emoji' }).fill('party pop');
    await page.keyboard.press('Enter');
    await until(async () => (await text.inputValue()) === 'Well done 🎉 ', 'the emoji is not there');
  });

  it('are not offered by servers that have none', async () => {
    await visit('/', { guest: true });
    await page.evaluate(() => localStorage.setItem('kenoma.token', '"ann"'));
    for (const status of fake.world.statuses) delete status.pleroma;
    await page.reload();
    await post(rain).waitFor();
    assert.equal(await button('React with an emoji').count(), 0);
    assert.equal(await page.getByRole('group', { name: 'Reactions' }).count(), 0);
  });
});
