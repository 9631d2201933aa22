import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import type { Markers, NotificationPolicy, Status } from '../src/api/types';
import { launch } from '../test/browser/browser';
import { Server } from './server';
import { follow, inOrder, password, say, until, visit, type Visit } from './walk';

const server = new Server();
let browser: Browser;
let ann: string;
let bo: string;
let cyn: string;
let eli: string;
let bread: Status;

before(async () => {
  await server.start();
  browser = await launch();
  ann = await server.user('ann', password);
  bo = await server.user('bo', password);
  cyn = await server.user('cyn', password);
  eli = await server.user('eli', password);
  await follow(server, ann, 'bo');
  await follow(server, bo, 'ann');
  bread = await say(server, ann, 'Bread is out of the oven.');
  for (const who of [bo, cyn, eli]) await server.call(who, 'POST', `/api/v1/statuses/${bread.id}/favourite`);
  await server.call(bo, 'POST', `/api/v1/statuses/${bread.id}/reblog`);
  await say(server, bo, { status: '@ann Save me a slice?', in_reply_to_id: bread.id });
  await say(server, eli, { status: '@ann Psst, the password of the cellar is 1234.', visibility: 'direct' });
  await say(server, cyn, { status: '@ann Do you sell bread, too?', visibility: 'direct' });
});
after(async () => {
  await browser?.close();
  await server.stop();
});

describe('notifications', () => {
  let at: Visit;
  before(async () => {
    at = await visit(browser, server, ann);
  });
  after(() => at.context.close());
  const notice = (text: string) => at.page.getByRole('listitem').filter({ hasText: text });

  it('are put together by the server', async () => {
    await at.page.goto('/notifications');
    await notice('and 2 others favourited your post').waitFor();
    assert.equal(await notice('favourited your post').count(), 1);
    await notice('Save me a slice?').waitFor();
  });

  it('are filtered by kind, at an address of its own', async () => {
    await at.page.getByRole('link', { name: 'Boosts' }).click();
    await notice('boosted your post').waitFor();
    assert.equal(await notice('favourited your post').count(), 0);
    await at.page.reload();
    await notice('boosted your post').waitFor();
    await at.page.getByRole('link', { name: 'Mentions', exact: true }).click();
    await notice('Save me a slice?').waitFor();
    assert.equal(await notice('boosted your post').count(), 0);
    await at.page.goBack();
    await notice('boosted your post').waitFor();
  });

  it('come live, without moving what is read, and join their group', async () => {
    await at.page.goto('/notifications');
    await notice('and 2 others favourited').waitFor();
    const before = await notice('favourited your post').boundingBox();
    const fay = await server.user('fay', password);
    await server.call(fay, 'POST', `/api/v1/statuses/${bread.id}/favourite`);
    const pill = at.page.getByRole('button', { name: '1 new notification' });
    await pill.waitFor();
    assert.equal((await notice('favourited your post').boundingBox())!.y, before!.y);
    await pill.click();
    await notice('fay and 3 others favourited your post').waitFor();
    assert.equal(await notice('favourited your post').count(), 1);
    await until(async () => {
      const { notifications } = await server.call<Markers>(
        ann,
        'GET',
        '/api/v1/markers?timeline[]=notifications',
      );
      return !!notifications;
    }, 'what was read was not noted');
  });

  it('say that strangers wait, who can be let in or put away', async () => {
    await at.page
      .getByRole('link', { name: '2 people wait to reach you' })
      .filter({ visible: true })
      .last()
      .click();
    const row = (name: string) => at.page.getByRole('listitem').filter({ hasText: `@${name}` });
    await row('eli').getByRole('button', { name: 'Show' }).click();
    await row('eli').getByText('the password of the cellar').last().waitFor();
    await row('eli').getByRole('button', { name: 'Put away' }).click();
    await row('eli').waitFor({ state: 'detached' });
    await row('cyn').getByRole('button', { name: 'Let in' }).click();
    await at.page.getByText('Nobody waits.').waitFor();
    await at.page.goto('/notifications');
    await notice('Do you sell bread, too?').waitFor();
    assert.equal(await notice('password of the cellar').count(), 0);
    assert.equal(await at.page.getByText('wait to reach you').count(), 0);
  });

  it('follow the policy that the reader sets', async () => {
    await at.page.goto('/notifications/settings');
    const group = at.page.getByRole('group', { name: 'Direct messages from strangers' });
    assert.ok(await group.getByRole('radio', { name: 'Withhold' }).isChecked());
    await group.getByRole('radio', { name: 'Show' }).check();
    await until(async () => {
      const policy = await server.call<NotificationPolicy>(ann, 'GET', '/api/v2/notifications/policy');
      return policy.for_private_mentions === 'accept';
    }, 'the policy was not kept');
    const gil = await server.user('gil', password);
    await say(server, gil, { status: '@ann A word in private.', visibility: 'direct' });
    await at.page.goto('/notifications');
    await notice('A word in private.').waitFor();
  });

  it('are cleared when that is asked for twice', async () => {
    await at.page.getByRole('button', { name: 'More about notifications' }).click();
    await at.page.getByRole('menuitem', { name: 'Clear all' }).click();
    await at.page.getByRole('button', { name: 'Clear all', exact: true }).click();
    await at.page.getByText('Nothing yet.').waitFor();
    assert.deepEqual(at.problems, []);
  });

  it('are in order in every size and colour', async () => {
    const hal = await server.user('hal', password);
    const post = await say(server, hal, 'A post that many like, with enough words to make an excerpt of it.');
    for (const who of [ann, bo, cyn, eli])
      await server.call(who, 'POST', `/api/v1/statuses/${post.id}/favourite`);
    await say(server, cyn, { status: '@hal Hello from a stranger.', visibility: 'direct' });
    await say(server, eli, { status: '@hal Hello from another.', visibility: 'direct' });
    await say(server, bo, '@hal What a fine day.');
    await inOrder(browser, server, hal, [
      ['notices', '/notifications', 'and 3 others'],
      ['notices-requests', '/notifications/requests', 'Hello from another.'],
      ['notices-policy', '/notifications/settings', 'New accounts'],
    ]);
  });
});
