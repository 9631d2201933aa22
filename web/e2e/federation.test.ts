import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { Browser } from 'playwright-core';
import type { MediaAttachment, Status } from '../src/api/types';
import { launch, open, shoot } from '../test/browser/browser';
import { picture } from './picture';
import { Server } from './server';

/** Two servers: what somebody on one sees of somebody on the other. */

const here = new Server();
const there = new Server();
let browser: Browser;

before(async () => {
  await Promise.all([here.start(), there.start()]);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await Promise.all([here.stop(), there.stop()]);
});

it('finds somebody on another server, follows, and sees what they post, pictures too', async () => {
  const ann = await here.user('ann', 'correct horse battery staple');
  const cyn = await there.user('cyn', 'correct horse battery staple');
  const { page, context, problems } = await open(browser, here.url);
  await context.addInitScript((token) => localStorage.setItem('kenoma.token', JSON.stringify(token)), ann);
  const acct = `cyn@${new URL(there.url).host}`;

  // A server that is busy may need longer for its first look at another than the page waits.
  const found = page.getByRole('link', { name: new RegExp(acct) }).first();
  for (let n = 0; n < 3 && !(await found.isVisible()); n++) {
    await page.goto(`/search?${new URLSearchParams({ q: `@${acct}` })}`);
    await found.or(page.getByText('Nothing found')).first().waitFor();
  }
  await found.click();
  await page.getByRole('button', { name: 'Follow', exact: true }).click();
  const unfollow = page.getByRole('button', { name: 'Unfollow' });
  await unfollow.waitFor();
  // The other server's answer takes a moment; until then a reload tells of a request.
  for (let n = 0; n < 20 && (n === 0 || !(await unfollow.isVisible())); n++) {
    await page.reload();
    await unfollow
      .or(page.getByRole('button', { name: 'Cancel the request' }))
      .first()
      .waitFor();
  }
  assert.ok(await unfollow.isVisible());

  await page.goto('/');
  await page.getByRole('button', { name: 'What is on your mind?' }).waitFor();
  await page.waitForTimeout(1_000); // The follow goes there and its answer comes back.
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(picture(640, 400, 4))], { type: 'image/png' }), 'hills.png');
  form.append('description', 'Hills far away.');
  const headers = { Authorization: `Bearer ${cyn}` };
  const sent = await fetch(`${there.url}/api/v1/media`, { method: 'POST', headers, body: form });
  const { id } = (await sent.json()) as MediaAttachment;
  await there.call(cyn, 'POST', '/api/v1/statuses', {
    status: 'Greetings from afar. #hills',
    media_ids: [id],
  });

  await page.getByRole('button', { name: '1 new post' }).click();
  const post = page.locator('article', { hasText: 'Greetings from afar' }).first();
  const shown = post.getByRole('button', { name: 'Open picture: Hills far away.' }).locator('img');
  await shown.waitFor();
  for (const img of [shown, post.locator('.avatar img')]) {
    await img.evaluate((e: HTMLImageElement) => e.decode());
    assert.equal(await img.evaluate((e: HTMLImageElement) => new URL(e.src).origin), here.url);
  }
  await shoot(page, 'e2e', 'federation');

  await post.getByRole('button', { name: /^Reply/ }).click();
  await post.getByRole('textbox', { name: 'Your reply' }).pressSequentially('Greetings back.');
  await post.getByRole('button', { name: 'Reply', exact: true }).last().click();
  await post.getByRole('button', { name: /^Favourite/ }).click();

  let seen: { type: string; status?: Status }[] = [];
  for (let n = 0; n < 200 && seen.length < 3; n++) {
    seen = await there.call(cyn, 'GET', '/api/v1/notifications');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(seen.map((s) => s.type).sort(), ['favourite', 'follow', 'mention']);
  assert.deepEqual(problems, []);
  await context.close();
});
