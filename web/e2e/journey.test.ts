import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Account, Status } from '../src/api/types';
import { launch, open, shoot, type Look } from '../test/browser/browser';
import { picture } from './picture';
import { Server } from './server';

/**
 * One person's first day, in a real browser with the real program: from the setup link to signing out. The
 * steps build on each other.
 */

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const password = 'correct horse battery staple';

const server = new Server();
let browser: Browser;
let context: BrowserContext;
let page: Page;
let problems: string[];
let bo: string;

const post = (text: string) => page.locator('article', { hasText: text }).first();
const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });
const composing = () => page.getByRole('textbox', { name: 'What is on your mind?' });

async function until(what: () => boolean | Promise<boolean>, message: string): Promise<void> {
  for (let n = 0; n < 200; n++) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(message);
}

/** Fills what a page of the server asks for, by the kind of field. */
async function fill(fields: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(fields)) await page.locator(`input[name=${name}]`).fill(value);
  await page.locator('form button, form input[type=submit]').last().click();
}

/** Opens a window in another size or colour, signed in as the one that is open. */
async function another(look: Look, path: string): Promise<{ page: Page; close: () => Promise<void> }> {
  const storage = await page.evaluate(() => ({ token: localStorage.getItem('kenoma.token') }));
  const made = await open(browser, server.url, look);
  await made.context.addInitScript(({ token }) => localStorage.setItem('kenoma.token', token!), storage);
  await made.page.goto(path);
  return { page: made.page, close: () => made.context.close() };
}

let broken = false;

/** A step of the journey; once one has failed, the ones after it have nothing to stand on. */
function step(name: string, walk: () => Promise<void>): void {
  it(name, async (t) => {
    if (broken) return t.skip('a step before it failed');
    broken = true;
    await walk();
    broken = false;
  });
}

before(async () => {
  await server.start();
  browser = await launch();
  ({ context, page, problems } = await open(browser, server.url));
});
after(async () => {
  await browser?.close();
  await server.stop();
});

describe('a first day', () => {
  step('begins with the setup link, which makes the admin', async () => {
    await page.goto(server.setup);
    await shoot(page, 'e2e', 'setup');
    await fill({ username: 'ann', email: 'ann@example.org', password });
    await page.waitForLoadState();
    assert.equal((await context.request.get(`${server.url}/api/v1/accounts/lookup?acct=ann`)).status(), 200);
    bo = await server.user('bo', password);
  });

  step('signs in over the server’s own pages', async () => {
    await context.clearCookies(); // Setup may have signed Ann in already.
    await page.goto('/');
    await shoot(page, 'e2e', 'guest');
    await button('Sign in').first().click();
    await page.locator('input[type=password]').waitFor();
    await shoot(page, 'e2e', 'sign-in');
    await page.locator('input[type=password]').fill(password);
    await page.locator('input[name=username], input[name=login], input[name=email]').first().fill('ann');
    await page.locator('form:has(input[type=password]) button').click();
    const allow = page.getByRole('button', { name: /allow|authori[sz]e|let it in/i });
    await allow.or(button('New post').first()).first().waitFor();
    if (await allow.count()) {
      await shoot(page, 'e2e', 'consent');
      await allow.first().click();
    }
    await button('New post').first().waitFor();
    await page.waitForURL(`${server.url}/`);
    assert.deepEqual(problems, []);
  });

  step('says who one is', async () => {
    await page.goto('/settings');
    await page.getByLabel('Display name').fill('Ann Marlow');
    await page.getByLabel('About you').fill('Writes code and bakes bread. Mostly in that order.');
    await page
      .getByLabel('Picture')
      .setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: picture(400, 400, 2) });
    await page
      .getByLabel('Banner')
      .setInputFiles({ name: 'banner.png', mimeType: 'image/png', buffer: picture(1200, 400, 0) });
    await button('Save').click();
    await page.getByText('Saved.').waitFor();
    const ann = await server.call<Account>(bo, 'GET', '/api/v1/accounts/lookup?acct=ann');
    assert.equal(ann.display_name, 'Ann Marlow');
    assert.match(ann.note, /bakes bread/);
  });

  step('follows somebody, whose posts then come live, in a pill', async () => {
    await server.call(bo, 'PATCH', '/api/v1/accounts/update_credentials', { display_name: 'Bo Lindqvist' });
    await page.goto('/@bo');
    await button('Follow').click();
    await button('Unfollow').waitFor();
    await page.goto('/');
    await button('What is on your mind?').waitFor();
    await until(async () => {
      const { following_count } = await server.call<Account>(bo, 'GET', '/api/v1/accounts/lookup?acct=ann');
      return following_count === 1;
    }, 'the follow was not counted');
    await page.waitForTimeout(300); // The stream is being opened.
    await server.call(bo, 'POST', '/api/v1/statuses', {
      status: 'The harbour this morning, before anyone else was up. #harbour',
    });
    await button('1 new post').click();
    await post('The harbour this morning').waitFor();
  });

  step('posts a poll', async () => {
    await button('What is on your mind?').click();
    await composing().fill('Settle this for us: when does the weekend begin?');
    await button('Add a poll').click();
    await page.getByLabel('Choice 1', { exact: true }).fill('Friday noon');
    await page.getByLabel('Choice 2', { exact: true }).fill('Friday evening');
    await button('Add a choice').click();
    await page.getByLabel('Choice 3', { exact: true }).fill('It never ends');
    await button('Post').click();
    await post('Settle this').getByText('It never ends').waitFor();

    const [status] = await server.call<Status[]>(bo, 'GET', '/api/v1/timelines/public?local=true');
    await server.call(bo, 'POST', `/api/v1/polls/${status.poll!.id}/votes`, { choices: [1] });
    await post('Settle this').getByRole('button', { name: 'Refresh' }).click();
    await post('Settle this').getByText('1 person voted').waitFor();
  });

  step('votes in a poll', async () => {
    const poll = { options: ['Peas', 'Radishes'], expires_in: 3_600, multiple: false };
    await server.call(bo, 'POST', '/api/v1/statuses', { status: 'What do you plant first?', poll });
    await button('1 new post').click();
    const quiz = post('What do you plant first?');
    await quiz.getByLabel('Radishes').check();
    await quiz.getByRole('button', { name: 'Vote' }).click();
    await quiz.getByRole('img', { name: 'You chose this' }).waitFor();
    await quiz.getByText('1 person voted').waitFor();
  });

  step('posts pictures with descriptions', async () => {
    await button('What is on your mind?').click();
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles([
        { name: 'one.png', mimeType: 'image/png', buffer: picture(960, 640, 0) },
        { name: 'two.png', mimeType: 'image/png', buffer: picture(960, 640, 1) },
      ]);
    await page
      .getByLabel('Description', { exact: true })
      .first()
      .fill('Evening over two ridges of hills; the sun is low.');
    await page.getByLabel('Description', { exact: true }).last().fill('The same hills in green light.');
    await composing().fill('From the hill behind the house.');
    await until(() => button('Post').isEnabled(), 'the pictures were not processed');
    await shoot(page, 'e2e', 'compose');
    await button('Post').click();
    const shown = post('From the hill').getByRole('button', {
      name: /Open picture: Evening over two ridges/,
    });
    await shown.waitFor();
    await until(
      () => shown.locator('img').evaluate((img: HTMLImageElement) => img.complete && img.naturalWidth > 0),
      'the picture is not shown',
    );
    await shown.click();
    await page.getByRole('dialog').getByText('Evening over two ridges').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('dialog').getByText('The same hills').waitFor();
    await page.keyboard.press('Escape');
  });

  step('posts with a warning, and for this server only', async () => {
    await button('What is on your mind?').click();
    await composing().fill('The ship was the island all along.');
    await button('Content warning').click();
    await page.getByRole('textbox', { name: 'Content warning' }).fill('Spoilers for “The Long Tide”');
    await button(/Who can read this/).click();
    await page.getByRole('menuitemradio', { name: /This server only/ }).click();
    await button('Post').click();
    const made = post('Spoilers for');
    await made.getByRole('img', { name: 'This server only' }).waitFor();
    assert.equal(await made.getByText('The ship was').count(), 0);
    await made.getByRole('button', { name: 'Show' }).click();
    await made.getByText('The ship was').waitFor();
    const guest = await (await fetch(`${server.url}/api/v1/timelines/public?local=true`)).json();
    assert.ok(!JSON.stringify(guest).includes('The ship was'), 'strangers see it');
  });

  step('favourites, boosts, bookmarks and replies', async () => {
    const harbour = post('The harbour this morning');
    await harbour.getByRole('button', { name: /^Favourite/ }).click();
    await harbour.getByRole('button', { name: /^Boost/ }).click();
    await harbour.getByRole('button', { name: 'Bookmark' }).click();
    await harbour.getByRole('button', { name: /^Reply/ }).click();
    await harbour.getByRole('textbox', { name: 'Your reply' }).pressSequentially('How still it is.');
    await harbour.getByRole('button', { name: 'Reply', exact: true }).last().click();
    await harbour.getByRole('button', { name: 'Reply, 1 reply' }).waitFor();

    const [reply] = await server.call<{ status: Status; type: string }[]>(
      bo,
      'GET',
      '/api/v1/notifications?types[]=mention',
    );
    assert.match(reply.status.content, /How still it is/);
    const answered = reply.status;
    await until(async () => {
      const { favourites_count, reblogs_count } = await server.call<Status>(
        bo,
        'GET',
        `/api/v1/statuses/${answered.in_reply_to_id}`,
      );
      return favourites_count === 1 && reblogs_count === 1;
    }, 'the favourite or the boost did not arrive');
    await server.call(bo, 'POST', '/api/v1/statuses', {
      status: '@ann Not a breath of wind. The ferry had not even woken the gulls.',
      in_reply_to_id: answered.id,
    });
    await page.goto('/bookmarks');
    await post('The harbour this morning').waitFor();
  });

  step('opens the conversation in place', async () => {
    await page.goto('/');
    const harbour = post('The harbour this morning');
    await harbour.getByRole('button', { name: /Show \d repl/ }).click();
    const thread = page.getByRole('article', { name: 'Conversation' });
    await thread.getByText('How still it is').waitFor();
    await thread.getByText('Not a breath of wind').waitFor();
    await shoot(page, 'e2e', 'thread-inline');
    await thread.locator('a.time').first().click();
    await page.getByRole('heading', { name: 'Conversation' }).waitFor();
    await post('Not a breath of wind').waitFor();
  });

  step('tells what happened', async () => {
    const [status] = await server.call<Status[]>(
      bo,
      'GET',
      '/api/v1/timelines/public?local=true&only_media=true',
    );
    await server.call(bo, 'POST', `/api/v1/statuses/${status.id}/favourite`);
    await page
      .getByRole('link', { name: /Notifications.*unread/ })
      .first()
      .waitFor();
    await page
      .getByRole('link', { name: /Notifications/ })
      .first()
      .click();
    await page.getByText('favourited your post').waitFor();
    await page.getByText('Not a breath of wind').waitFor();
    await page.reload();
    await page.getByText('favourited your post').waitFor();
    await until(
      async () => (await page.getByRole('link', { name: /Notifications.*unread/ }).count()) === 0,
      'they stay unread',
    );
  });

  step('edits and deletes', async () => {
    await page.goto('/');
    await button('What is on your mind?').click();
    await composing().fill('Speling');
    await button('Post').click();
    await post('Speling').getByRole('button', { name: 'More about this post' }).click();
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog', { name: 'Edit post' });
    await dialog.getByRole('textbox', { name: 'What is on your mind?' }).fill('Spelling');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await post('Spelling').getByRole('img', { name: 'edited' }).waitFor();
    await post('Spelling').getByRole('button', { name: 'More about this post' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await post('Spelling').waitFor({ state: 'detached' });
    await page.reload();
    await post('From the hill').waitFor();
    assert.equal(await post('Spelling').count(), 0);
  });

  step('finds people, and posts by their address', async () => {
    const [status] = await server.call<Status[]>(
      bo,
      'GET',
      '/api/v1/timelines/public?local=true&only_media=true',
    );
    for (const [words, found] of [
      ['bo', page.getByRole('link', { name: /Bo Lindqvist/ })],
      [status.url!, post('From the hill')],
    ] as const) {
      const box = page.getByRole('searchbox').first();
      await box.fill(words);
      await box.press('Enter');
      await found.first().waitFor();
    }
  });

  step('stays at an address over a reload', async () => {
    await page.goto('/@bo');
    await button('Unfollow').waitFor();
    await page.reload();
    await button('Unfollow').waitFor();
  });

  for (const size of ['desktop', 'tablet', 'phone'] as const) {
    for (const dark of [false, true]) {
      step(`is in order on a ${size}, ${dark ? 'dark' : 'light'}`, async () => {
        const look = `${size}-${dark ? 'dark' : 'light'}`;
        const window = await another({ size, dark }, '/');
        for (const [name, path, ready] of [
          ['home', '/', 'From the hill'],
          ['profile', '/@ann', 'bakes bread'],
          ['notifications', '/notifications', 'favourited your post'],
          ['local', '/local', 'From the hill'],
        ]) {
          await window.page.goto(path);
          await window.page.getByText(ready).first().waitFor();
          await shoot(window.page, 'e2e', `${name}-${look}`);
          assert.deepEqual(await violations(window.page), [], name);
          const over = await window.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(over <= 0, `${name} is ${over}px too wide`);
        }
        await window.close();
      });
    }
  }

  step('ends with signing out', async () => {
    await page.goto('/');
    const token = await page.evaluate(() => JSON.parse(localStorage.getItem('kenoma.token')!));
    await button(/More$/).first().click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await button('Sign in').first().waitFor();
    const headers = { Authorization: `Bearer ${token}` };
    await until(async () => {
      const answer = await fetch(`${server.url}/api/v1/accounts/verify_credentials`, { headers });
      return answer.status === 401;
    }, 'the token still opens the account');
    assert.deepEqual(problems, []);
  });
});

describe('somebody else', () => {
  it('joins by the form on the page', async () => {
    const made = await open(browser, server.url, { size: 'phone' });
    await made.page.goto('/sign-up');
    await made.page.getByLabel('Username').fill('bo');
    await made.page.getByLabel('E-mail address').fill('cyn@example.org');
    await made.page.getByLabel('Password').fill(password);
    await made.page.getByRole('checkbox').check();
    await shoot(made.page, 'e2e', 'sign-up');
    await made.page.getByRole('button', { name: 'Create the account' }).click();
    await made.page.getByRole('alert').first().waitFor();
    await made.page.getByLabel('Username').fill('cyn');
    await made.page.getByRole('button', { name: 'Create the account' }).click();
    await made.page.getByRole('button', { name: 'New post' }).first().waitFor();
    await made.context.close();
  });
});

/** What axe has to say against a page: rule and place. */
async function violations(at: Page): Promise<string[]> {
  await at.evaluate(axe);
  return at.evaluate(async () => {
    type Found = { violations: { id: string; nodes: { target: string[]; failureSummary?: string }[] }[] };
    const { axe } = window as unknown as { axe: { run(): Promise<Found> } };
    const { violations } = await axe.run();
    return violations.flatMap((v) =>
      v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} ${n.failureSummary ?? ''}`),
    );
  });
}
