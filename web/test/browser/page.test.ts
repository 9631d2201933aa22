import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { shoot } from './browser';
import {
  button,
  context,
  fake,
  focused,
  page,
  post,
  press,
  problems,
  saved,
  stage,
  top,
  until,
  violations,
  visit,
} from './stage';

/** What the page does, in a real browser, against the stand-in for a server. */

// A picture of one red pixel.
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==',
  'base64',
);

stage();

describe('signing in and out', () => {
  it('goes over the server and comes back to where one was', async () => {
    await visit('/network', { guest: true });
    await button('Sign in').first().click();
    await button('Allow').click();
    await page.waitForURL('**/network');
    await button('New post').first().waitFor();
    assert.equal((await context.cookies()).find((c) => c.name === 'kenoma_app')?.value, '1');

    await button(/More$/).first().click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await button('Sign in').first().waitFor();
    await until(() => fake.seen.includes('POST /oauth/revoke'), 'the token was not revoked');
    assert.equal(await page.evaluate(() => localStorage.getItem('kenoma.token')), null);
    assert.deepEqual(problems, []);
  });

  it('refuses an answer that was not asked for', async () => {
    await visit('/callback?code=stolen&state=wrong', { guest: true });
    await page.getByText('not finished in the tab').waitFor();
  });

  it('says so when the server ends the session', async () => {
    await visit('/');
    await post('Rain at last').waitFor();
    fake.failing.set('POST /api/v1/statuses/' + saved('Rain at last').id + '/favourite', 401);
    await post('Rain at last')
      .getByRole('button', { name: /^Favourite/ })
      .click();
    await page.getByText('You have been signed out').waitFor();
    await button('Sign in').first().waitFor();
  });

  it('makes an account, and shows what is wrong beside the field', async () => {
    await visit('/sign-up', { guest: true });
    await page.getByLabel('Username').fill('ann');
    await page.getByLabel('E-mail address').fill('ann@example.org');
    await page.getByLabel('Password').fill('correct horse');
    await page.getByLabel(/I have read the rules/).check();
    await button('Create the account').click();
    await page.getByText('This name is taken.').waitFor();
    await page.getByLabel('Username').fill('anne');
    await button('Create the account').click();
    await button('New post').first().waitFor();
  });
});

describe('reading', () => {
  it('shows a conversation in place, and leaves the post where it was', async () => {
    await visit('/');
    const text = 'Peas, always';
    await post(text).scrollIntoViewIfNeeded();
    await page.waitForTimeout(300); // Heights settle as posts come into view for the first time.
    const before = await top(text);
    await press(post(text).getByRole('button', { name: /Show 2 replies/ }));
    const thread = page.getByRole('article', { name: 'Conversation' });
    await thread.getByText('Half of them never reach the kitchen').waitFor();
    await thread.getByText('What is the first thing you plant').waitFor();
    const inside = thread.locator('article', { hasText: text }).first();
    const now = (await inside.boundingBox())!.y;
    assert.ok(Math.abs(now - before) <= 2, `the post has moved from ${before} to ${now}`);
    await shoot(page, 'test', 'thread-inline');

    await press(thread.getByRole('button', { name: 'Hide the conversation' }));
    await thread.waitFor({ state: 'detached' });
    assert.ok(Math.abs((await top(text)) - before) <= 2, 'the post has moved back');
  });

  it('has a page for a conversation, with what came before above', async () => {
    await visit(`/@bo/${saved('Peas, always').id}`);
    await page.getByText('same here').waitFor();
    assert.ok((await top('Peas, always')) < 120, 'the post is not at the top');
    assert.equal(await post('What is the first thing').count(), 1);
  });

  it('keeps the place on the way back', async () => {
    await visit('/');
    await post('Four from the greenhouse').waitFor();
    await page.mouse.wheel(0, 2_600);
    await post('Settle this').waitFor();
    await page.waitForTimeout(300);
    const text = 'The harbour this morning';
    await post(text).scrollIntoViewIfNeeded();
    const before = await top(text);
    await post(text)
      .locator('a.time')
      .evaluate((a: HTMLElement) => a.click());
    await page.getByRole('heading', { name: 'Conversation' }).waitFor();
    await page.goBack();
    await post(text).waitFor();
    await page.waitForTimeout(200);
    assert.ok(Math.abs((await top(text)) - before) <= 3, `was at ${before}, is at ${await top(text)}`);
  });

  it('keeps the place over a reload, pages down', async () => {
    await visit('/');
    await post('Rain at last').waitFor();
    for (let n = 0; n < 8; n++) {
      await page.mouse.wheel(0, 900);
      await page.waitForTimeout(60);
    }
    const first = () =>
      page.evaluate(() => {
        const seen = [...document.querySelectorAll<HTMLElement>('article[data-anchor]')];
        return seen.find((a) => a.getBoundingClientRect().bottom > 60)!.dataset.anchor;
      });
    await page.waitForTimeout(400);
    const before = await first();
    await page.reload();
    await until(
      async () => (await page.locator('article').count()) > 0 && (await first()) === before,
      'the place was lost',
    );
  });

  it('reads older posts when the end comes near, each once', async () => {
    await visit('/');
    await post('Rain at last').waitFor();
    for (let n = 0; n < 14; n++) {
      await page.mouse.wheel(0, 1_500);
      await page.waitForTimeout(60);
    }
    await page.getByText('You have reached the end').waitFor();
    const ids = await page
      .locator('[role=feed] article[data-anchor]')
      .evaluateAll((all) => all.map((a) => a.getAttribute('data-anchor')));
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(ids.length, fake.world.statuses.length);
  });

  it('hides what has a warning or is sensitive until asked', async () => {
    await visit('/');
    const spoiled = post('Spoilers for');
    await spoiled.scrollIntoViewIfNeeded();
    assert.equal(await spoiled.getByText('the ship was the island').count(), 0);
    await spoiled.getByRole('button', { name: 'Show' }).click();
    await spoiled.getByText('the ship was the island').waitFor();

    const graze = post('Not for the squeamish');
    await graze.scrollIntoViewIfNeeded();
    assert.equal(await graze.locator('img[alt="A grazed knee."]').count(), 0);
    await graze.getByRole('button', { name: /Sensitive content/ }).click();
    await graze.locator('img[alt="A grazed knee."]').waitFor();
  });

  it('opens pictures with their descriptions, and goes from one to the next by keyboard', async () => {
    await visit('/');
    await post('Four from the greenhouse')
      .getByRole('button', { name: /Tomato seedlings/ })
      .click();
    const viewer = page.getByRole('dialog');
    await viewer.getByText('Tomato seedlings in rows').waitFor();
    await page.keyboard.press('ArrowRight');
    await viewer.getByText('A watering can').waitFor();
    await shoot(page, 'test', 'viewer');
    await page.keyboard.press('Escape');
    await viewer.waitFor({ state: 'detached' });
  });

  it('shows the others when a post is broken, and leads nowhere bad', async () => {
    const bo = fake.world.accounts[1];
    fake.world.post(bo, 'Nothing is where it should be', { media_attachments: null as never });
    fake.world.post(bo, 'Odd address', {
      url: 'javascript:alert(1)',
      card: { url: 'javascript:alert(2)', title: 'Click' } as never,
    });
    await visit('/');
    await page.getByText('This post cannot be shown.').waitFor();
    await post('Odd address').getByRole('button', { name: 'More about this post' }).click();
    await page.getByRole('menuitem', { name: 'Copy link' }).waitFor();
    assert.equal(await page.getByRole('menuitem', { name: 'Open on its own server' }).count(), 0);
    assert.equal(await page.locator('a[href^="javascript"]').count(), 0);
    await post('Rain at last').waitFor();
  });

  it('tells what is not there', async () => {
    await visit('/@nobody');
    await page.getByText('There is nothing at this address').waitFor();
    await page.goto('/what/is/this');
    await page.getByRole('heading', { name: 'There is nothing at this address' }).waitFor();
  });
});

describe('live updates', () => {
  it('wait in a pill and never move the page', async () => {
    await visit('/');
    await post('Rain at last').waitFor();
    await until(() => fake.seen.filter((s) => s.includes('notifications')).length > 0, 'no start');
    await page.waitForTimeout(200);
    const before = await top('Rain at last');
    for (const words of ['Fresh one', 'Fresh two'])
      fake.tell('user', 'update', fake.world.post(fake.world.accounts[1], words));
    await button('2 new posts').waitFor();
    assert.equal(await top('Rain at last'), before);
    assert.equal(await post('Fresh one').count(), 0);
    await shoot(page, 'test', 'pill');
    await button('2 new posts').click();
    await post('Fresh two').waitFor();
    assert.ok((await top('Fresh two')) < (await top('Fresh one')));
  });

  it('bring edits and take deletions', async () => {
    await visit('/');
    await post('Rain at last').waitFor();
    await page.waitForTimeout(200);
    const rain = saved('Rain at last');
    fake.tell('user', 'status.update', {
      ...rain,
      content: '<p>Rain, and then sun.</p>',
      edited_at: new Date().toISOString(),
    });
    await post('Rain, and then sun').waitFor();
    fake.tell('user', 'delete', rain.id);
    await post('Rain, and then sun').waitFor({ state: 'detached' });
  });

  it('count notifications', async () => {
    await visit('/');
    await page
      .getByRole('link', { name: /Notifications.*7 unread/ })
      .first()
      .waitFor();
    fake.tell('user', 'notification', fake.world.notify('follow', fake.world.accounts[2]));
    await page
      .getByRole('link', { name: /Notifications.*8 unread/ })
      .first()
      .waitFor();
    await page
      .getByRole('link', { name: /^Notifications/ })
      .first()
      .click();
    await page.getByText('and 2 others').waitFor();
    await page.getByRole('link', { name: 'Notifications', exact: true }).first().waitFor();
    await until(() => 'notifications' in fake.world.markers, 'what was read was not noted');
  });

  it('come back after the connection was lost, with what was missed', async () => {
    await visit('/');
    await post('Rain at last').waitFor();
    await page.waitForTimeout(5_200); // The list was read just now; it looks again only after a while.
    fake.world.post(fake.world.accounts[1], 'Said while you were away');
    fake.cut();
    await button('1 new post').click();
    await post('Said while you were away').waitFor();
    fake.tell('user', 'update', fake.world.post(fake.world.accounts[1], 'And said after'));
    await button('1 new post').waitFor();
  });
});

describe('doing', () => {
  it('favourites at once, and takes it back when the server refuses', async () => {
    await visit('/');
    const rain = post('Rain at last');
    await rain.waitFor();
    const id = saved('Rain at last').id;
    await rain.getByRole('button', { name: 'Favourite, 6 favourites' }).click();
    await rain.getByRole('button', { name: 'Favourite, 7 favourites', pressed: true }).waitFor();
    await until(() => saved('Rain at last').favourited === true, 'the server was not told');

    fake.failing.set(`POST /api/v1/statuses/${id}/bookmark`, 500);
    await rain.getByRole('button', { name: 'Bookmark' }).click();
    await page.getByText('Something went wrong on the server').waitFor();
    await rain.getByRole('button', { name: 'Bookmark', pressed: false }).waitFor();
    await rain.getByRole('button', { name: /^Boost/ }).click();
    await rain.getByRole('button', { name: 'Boost, 1 boost', pressed: true }).waitFor();
  });

  it('posts with a warning for some, and shows it at once', async () => {
    await visit('/');
    await button('What is on your mind?').click();
    await page.getByRole('textbox', { name: 'What is on your mind?' }).fill('Only for friends');
    await button('Content warning').click();
    await page.getByRole('textbox', { name: 'Content warning' }).fill('Private matters');
    await button(/Who can read this/).click();
    await shoot(page, 'test', 'audience');
    await page.getByRole('menuitemradio', { name: /Followers/ }).click();
    await button('Post').click();
    await post('Private matters').waitFor();
    const made = saved('Only for friends');
    assert.equal(made.visibility, 'private');
    assert.equal(made.spoiler_text, 'Private matters');
    assert.deepEqual(problems, []);
  });

  it('posts for this server only', async () => {
    await visit('/');
    await button('What is on your mind?').click();
    await page.getByRole('textbox', { name: 'What is on your mind?' }).fill('Just us');
    await button(/Who can read this/).click();
    await page.getByRole('menuitemradio', { name: /This server only/ }).click();
    await page.keyboard.press('Control+Enter');
    await page.getByRole('textbox', { name: 'What is on your mind?' }).press('Control+Enter');
    await post('Just us').getByRole('img', { name: 'This server only' }).waitFor();
    assert.equal(saved('Just us').local_only, true);
  });

  it('posts a picture with its description, waiting until it is processed', async () => {
    await visit('/');
    await button('What is on your mind?').click();
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles({ name: 'red.png', mimeType: 'image/png', buffer: png });
    await page.getByLabel('Description', { exact: true }).fill('One red pixel.');
    await page.getByRole('textbox', { name: 'What is on your mind?' }).fill('Look');
    await shoot(page, 'test', 'compose-media');
    await button('Post').click();
    await post('Look').getByRole('button', { name: 'Open picture: One red pixel.' }).waitFor();
    assert.equal(saved('>Look<').media_attachments[0].description, 'One red pixel.');
  });

  it('posts a poll, and votes in others', async () => {
    await visit('/');
    await button('What is on your mind?').click();
    await page.getByRole('textbox', { name: 'What is on your mind?' }).fill('Which one?');
    await button('Add a poll').click();
    await page.getByLabel('Choice 1').fill('This');
    assert.equal(await button('Post').isDisabled(), true);
    await page.getByLabel('Choice 2').fill('That');
    await shoot(page, 'test', 'compose-poll');
    await button('Post').click();
    await post('Which one?').getByText('That').waitFor();

    const quiz = post('Settle this');
    await quiz.scrollIntoViewIfNeeded();
    await quiz.getByLabel('Friday noon').check();
    await quiz.getByRole('button', { name: 'Vote' }).click();
    await quiz.getByText('126 people voted').waitFor();
    await quiz.getByRole('img', { name: 'You chose this' }).waitFor();
    await quiz.scrollIntoViewIfNeeded();
    await shoot(page, 'test', 'poll');
  });

  it('replies in place, under the post', async () => {
    await visit('/');
    const rain = post('Rain at last');
    await rain.getByRole('button', { name: /^Reply/ }).click();
    const text = rain.getByRole('textbox', { name: 'Your reply' });
    await text.waitFor();
    assert.equal(await text.inputValue(), '@cyn@garden.example ');
    await text.pressSequentially('Lucky you');
    await rain.getByRole('button', { name: 'Reply', exact: true }).last().click();
    await until(() => !!saved('Lucky you'), 'no reply was sent');
    assert.equal(saved('Lucky you').in_reply_to_id, saved('Rain at last').id);
    await rain.getByRole('button', { name: 'Reply, 1 reply' }).waitFor();
  });

  it('keeps a draft over a reload', async () => {
    await visit('/');
    await button('What is on your mind?').click();
    await page.getByRole('textbox', { name: 'What is on your mind?' }).fill('Half a thought');
    await page.waitForTimeout(800);
    await page.reload();
    await button('What is on your mind?').click();
    assert.equal(
      await page.getByRole('textbox', { name: 'What is on your mind?' }).inputValue(),
      'Half a thought',
    );
  });

  it('does not lose what was written when sending fails, nor send it twice', async () => {
    await visit('/');
    await button('What is on your mind?').click();
    const text = page.getByRole('textbox', { name: 'What is on your mind?' });
    await text.fill('Try again');
    fake.failing.set('POST /api/v1/statuses', 503);
    await button('Post').click();
    await page.getByText('Something went wrong on the server').waitFor();
    assert.equal(await text.inputValue(), 'Try again');
    fake.failing.clear();
    await button('Post').click();
    await post('Try again').waitFor();
    assert.equal(fake.world.statuses.filter((s) => s.content.includes('Try again')).length, 1);
  });

  it('edits and deletes', async () => {
    await visit('/');
    await button('What is on your mind?').click();
    await page.getByRole('textbox', { name: 'What is on your mind?' }).fill('Speling');
    await button('Post').click();
    await post('Speling').getByRole('button', { name: 'More about this post' }).click();
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog', { name: 'Edit post' });
    await dialog.getByRole('textbox', { name: 'What is on your mind?' }).fill('Spelling');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await post('Spelling').getByRole('img', { name: 'edited' }).waitFor();

    await post('Spelling').getByRole('button', { name: 'More about this post' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await post('Spelling').waitFor({ state: 'detached' });
    assert.equal(saved('Spelling'), undefined);
  });

  it('completes names while they are typed', async () => {
    await visit('/');
    await button('What is on your mind?').click();
    const text = page.getByRole('textbox', { name: 'What is on your mind?' });
    await text.pressSequentially('Hello @cyn');
    await page.getByRole('option', { name: /Cynthia/ }).waitFor();
    await page.keyboard.press('Enter');
    assert.equal(await text.inputValue(), 'Hello @cyn@garden.example ');
    await text.pressSequentially(':te');
    await page.getByRole('option', { name: ':tea:' }).click();
    assert.equal(await text.inputValue(), 'Hello @cyn@garden.example :tea: ');
  });
});

describe('people', () => {
  it('have a profile with tabs, and can be followed', async () => {
    await visit('/@eli');
    await page.getByRole('heading', { name: 'eli', level: 2 }).waitFor();
    await button('Follow').click();
    await button('Unfollow').waitFor();
    await until(() => fake.seen.some((s) => s.endsWith('/follow')), 'the server was not told');
    await page.getByRole('link', { name: 'Replies' }).click();
    await post('same here').waitFor();
    await page.goto('/@bo/media');
    await post('The harbour').waitFor();
    assert.equal(await post('Swifts are back').count(), 0);
  });

  it('are found, and so are tags and posts by their address', async () => {
    await visit('/');
    const box = page.getByRole('searchbox', { name: 'Search' }).first();
    await box.fill('garden');
    await box.press('Enter');
    await page.getByRole('link', { name: /Cynthia/ }).waitFor();
    await page.getByRole('link', { name: '#gardening' }).waitFor();
    const again = page.getByRole('searchbox', { name: 'Search' }).first();
    await again.fill(saved('Broad beans').url!);
    await again.press('Enter');
    await post('Broad beans under fleece').waitFor();
  });

  it('change how they are shown', async () => {
    await visit('/settings');
    await page.getByLabel('Display name').fill('Ann of the Bread');
    await button('Save').click();
    await page.getByText('Saved.').waitFor();
    assert.equal(fake.world.me.display_name, 'Ann of the Bread');
  });
});

describe('for everybody', () => {
  for (const dark of [false, true]) {
    for (const [name, path, ready] of [
      ['home', '/', 'Rain at last'],
      ['profile', '/@bo', 'The harbour'],
      ['notifications', '/notifications', 'and 2 others'],
      ['settings', '/settings', 'Display name'],
      ['search', '/search?q=garden', 'Cynthia'],
      ['sign-up', '/sign-up', 'Be kind.'],
    ]) {
      it(`axe finds nothing on ${name}, ${dark ? 'dark' : 'light'}`, async () => {
        await visit(path, { dark, guest: name === 'sign-up' });
        await page.getByText(ready).first().waitFor();
        if (name === 'home') {
          await button('What is on your mind?').click();
          await button('Add a poll').click();
          await post('Rain at last')
            .getByRole('button', { name: /^Favourite/ })
            .click();
          await post('Bread is out')
            .getByRole('button', { name: /Show 1 reply/ })
            .click();
          await page.getByRole('article', { name: 'Conversation' }).waitFor();
        }
        assert.deepEqual(await violations(), []);
        assert.deepEqual(problems, []);
      });
    }
  }

  it('axe finds nothing on what opens above the page', async () => {
    await visit('/', { size: 'phone' });
    await post('Four from the greenhouse')
      .getByRole('button', { name: /Tomato seedlings/ })
      .click();
    await page.getByRole('dialog').getByText('Tomato seedlings').waitFor();
    assert.deepEqual(await violations(), []);
    await page.keyboard.press('Escape');
    await button('New post').last().click();
    await page.getByRole('dialog').getByRole('textbox').waitFor();
    await button(/Who can read this/).click();
    await page.getByRole('menuitemradio', { name: /Followers/ }).waitFor();
    assert.deepEqual(await violations(), []);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await post('Bread is out').getByRole('button', { name: 'More about this post' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog', { name: 'Delete this post?' }).waitFor();
    assert.deepEqual(await violations(), []);
  });

  it('works by keyboard alone', async () => {
    await visit('/');
    await post('Rain at last').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Skip to the posts');
    await post('Rain at last').getByRole('button', { name: 'More about this post' }).focus();
    await page.keyboard.press('Enter');
    await until(async () => (await focused()) === 'Copy link', 'the menu did not take the focus');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(), 'Quote');
    await page.keyboard.press('Escape');
    assert.equal(await focused(), 'More about this post');
  });

  it('has shortcuts, and a sheet of them', async () => {
    await visit('/');
    await post('Rain at last').waitFor();
    const here = () => page.evaluate(() => document.activeElement?.textContent ?? '');
    for (const words of ['Save me a slice', 'Only for the people', 'Rain at last']) {
      await page.keyboard.press('j');
      assert.match(await here(), new RegExp(words));
    }
    await page.keyboard.press('f');
    await post('Rain at last')
      .getByRole('button', { name: /^Favourite/, pressed: true })
      .waitFor();
    await page.keyboard.press('k');
    assert.match(await here(), /Only for the people/);
    await page.keyboard.press('r');
    const reply = page.getByRole('textbox', { name: 'Your reply' });
    await reply.waitFor();
    await until(() => reply.evaluate((e) => e === document.activeElement), 'the reply has no focus');
    await page.keyboard.type('just words');
    assert.equal(await reply.inputValue(), '@eli just words');
    await page.keyboard.press('Escape');
    await reply.waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await shoot(page, 'test', 'shortcuts');
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('n');
    await page.waitForURL('**/notifications');
  });

  it('remembers light or dark', async () => {
    await visit('/settings');
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await button('Dark').click();
    await until(async () => (await ground()) !== light, 'it stayed light');
    const dark = await ground();
    await page.reload();
    await button('Dark').waitFor();
    assert.equal(await ground(), dark);
  });

  it('does not scroll sideways on a phone', async () => {
    await visit('/', { size: 'phone' });
    await post('Rain at last').waitFor();
    for (const path of [
      '/',
      '/@bo',
      '/notifications',
      '/search?q=garden',
      '/settings',
      `/@bo/${saved('Peas, always').id}`,
    ]) {
      await page.goto(path);
      await page.waitForLoadState('networkidle');
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${path} is ${over}px too wide`);
    }
  });

  it('writes in a window on a phone', async () => {
    await visit('/', { size: 'phone', dark: true });
    await post('Rain at last').waitFor();
    await button('New post').last().click();
    await page.getByRole('dialog').getByRole('textbox').fill('From the road');
    await shoot(page, 'test', 'compose-phone');
    await button('Post').click();
    await post('From the road').waitFor();
  });

  it('begins with little', async () => {
    await visit('/');
    await post('Rain at last').waitFor();
    const files = fake.seen.flatMap((s) => /^GET \/(assets\/.+\.(?:js|css))$/.exec(s)?.[1] ?? []);
    const weigh = (end: string) =>
      files
        .filter((name) => name.endsWith(end))
        .reduce((sum, name) => sum + statSync(new URL(`../../dist/${name}.gz`, import.meta.url)).size, 0);
    assert.ok(files.length <= 5, files.join());
    assert.ok(weigh('.js') <= 64_000, `${weigh('.js')} bytes of script`);
    assert.ok(weigh('.css') <= 15_000, `${weigh('.css')} bytes of style`);
  });
});
