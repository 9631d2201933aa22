import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shoot } from './browser';
import { button, fake, page, post, problems, saved, stage, until, violations, visit } from './stage';

stage();

const quoting = 'This, a hundred times';

describe('quotes', () => {
  for (const look of [
    { size: 'desktop', dark: false },
    { size: 'phone', dark: true },
  ] as const) {
    it(`are shown inside the post, ${look.size} ${look.dark ? 'dark' : 'light'}`, async () => {
      await visit('/', look);
      const quote = post(quoting).getByRole('blockquote');
      await quote.getByText('Four weeks from seed to plate').waitFor();
      await post(quoting).scrollIntoViewIfNeeded();
      await shoot(page, 'test', `quotes-${look.size}${look.dark ? '-dark' : ''}`);
      assert.deepEqual(await violations(), []);
      await quote.getByText('Four weeks from seed to plate').click();
      await page.waitForURL(`**/@ann/${saved('Four weeks').id}`);
      assert.deepEqual(problems, []);
    });
  }

  it('say why a post is not shown', async () => {
    await visit('/', { guest: true });
    const { world } = fake;
    const hidden = world.post(world.accounts[2], 'Said by somebody avoided');
    world.statuses = world.statuses.filter((s) => s !== hidden);
    const states = ['pending', 'rejected', 'revoked', 'deleted', 'unauthorized', 'not known yet'];
    for (const state of states) {
      world.post(world.accounts[1], `Of state ${state}`, { quote: { state, quoted_status: null } });
    }
    world.post(world.accounts[1], 'Of state blocked', {
      quote: { state: 'blocked_account', quoted_status: hidden },
    });
    await page.evaluate(() => localStorage.setItem('kenoma.token', '"ann"'));
    await page.goto('/');
    for (const [state, words] of [
      ['pending', 'has not agreed yet'],
      ['rejected', 'does not want to be quoted'],
      ['revoked', 'has taken it out'],
      ['deleted', 'was deleted'],
      ['unauthorized', 'not for you to see'],
      ['not known yet', 'cannot be shown'],
      ['blocked', 'somebody whom you block'],
    ]) {
      await post(`Of state ${state}`).getByText(words).waitFor();
    }
    await shoot(page, 'test', 'quotes-states');
    await post('Of state blocked').getByRole('button', { name: 'Show' }).click();
    await post('Of state blocked').getByText('Said by somebody avoided').waitFor();
    assert.deepEqual(await violations(), []);
  });

  it('are written from the menu, with who may quote in turn', async () => {
    await visit('/');
    await post('The harbour').getByRole('button', { name: 'More about this post' }).click();
    await page.getByRole('menuitem', { name: 'Quote' }).click();
    const composer = page.getByRole('dialog', { name: 'New post' });
    await composer.getByText('The harbour this morning').waitFor();
    await composer.getByRole('textbox').fill('Worth getting up for');
    await composer.getByRole('button', { name: /Who can quote this: Anyone/ }).click();
    await page.getByRole('menuitemradio', { name: /Followers quote/ }).click();
    await shoot(page, 'test', 'quotes-compose');
    assert.deepEqual(await violations(), []);
    await composer.getByRole('button', { name: 'Post', exact: true }).click();
    await post('Worth getting up for')
      .getByRole('blockquote')
      .getByText('The harbour this morning')
      .waitFor();
    const made = saved('Worth getting up for');
    assert.equal(made.quote?.quoted_status?.id, saved('The harbour').id);
    assert.deepEqual(made.quote_approval?.automatic, ['followers']);

    // The policy is that of the post when it is changed.
    await post('Worth getting up for').getByRole('button', { name: 'More about this post' }).click();
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    await button(/Who can quote this: Followers/).waitFor();
  });

  it('are not offered where the author allows none', async () => {
    await visit('/', { guest: true });
    saved('The harbour').quote_approval!.current_user = 'denied';
    saved('Four from').quote_approval!.current_user = 'manual';
    await page.evaluate(() => localStorage.setItem('kenoma.token', '"ann"'));
    await page.goto('/');
    await post('The harbour').getByRole('button', { name: 'More about this post' }).click();
    await page.getByRole('menuitem', { name: 'Copy link' }).waitFor();
    assert.equal(await page.getByRole('menuitem', { name: 'Quote' }).count(), 0);
    await page.keyboard.press('Escape');
    await post('Four from').getByRole('button', { name: 'More about this post' }).click();
    await page.getByRole('menuitem', { name: 'The author is asked first' }).waitFor();
  });

  it('can be left by the author of the quoted post', async () => {
    await visit('/');
    await post(quoting).getByRole('button', { name: 'More about this post' }).click();
    await page.getByRole('menuitem', { name: 'Take my post out' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take it out' }).click();
    await post(quoting).getByText('has taken it out').waitFor();
    await until(() => saved(quoting).quote?.state === 'revoked', 'the server was not told');
  });
});
