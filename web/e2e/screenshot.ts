import { fileURLToPath } from 'node:url';
import type { MediaAttachment, Status } from '../src/api/types';
import { launch, open } from '../test/browser/browser';
import { picture } from './picture';
import { Server } from './server';

/** `npm run screenshot`: makes docs/screenshot.png from the real program, with a few made-up people. */

const server = new Server();
await server.start();
const browser = await launch();
try {
  const ann = await person('ann', 'Ann Marlow', 2);
  const bo = await person('bo', 'Bo Lindqvist', 1);
  const cyn = await person('cyn', 'Cynthia Oduya', 4);
  const eli = await person('eli', 'Eli', 5);

  await say(cyn, {
    status:
      'What is the first thing you plant in spring? I have a bed of 3 × 4 metres and no plan at all. #gardening',
  });
  const quiz = await say(eli, {
    status: 'Settle this for us: when does the weekend begin?',
    poll: {
      options: ['Friday noon', 'Friday evening', 'It never ends'],
      expires_in: 86_400,
      multiple: false,
    },
  });
  await server.call(bo, 'POST', `/api/v1/polls/${quiz.poll!.id}/votes`, { choices: [1] });
  await server.call(cyn, 'POST', `/api/v1/polls/${quiz.poll!.id}/votes`, { choices: [1] });
  await server.call(ann, 'POST', `/api/v1/polls/${quiz.poll!.id}/votes`, { choices: [0] });
  const harbour = await say(bo, {
    status: 'From the hill behind the harbour, before anyone else was up.',
    media_ids: [await upload(bo, 0)],
  });
  const first = await say(cyn, { status: '@bo Was there any wind at all?', in_reply_to_id: harbour.id });
  await say(bo, {
    status: '@cyn Not a breath. The ferry had not even woken the gulls.',
    in_reply_to_id: first.id,
  });
  for (const who of [ann, cyn, eli])
    await server.call(who, 'POST', `/api/v1/statuses/${harbour.id}/favourite`);
  await server.call(cyn, 'POST', `/api/v1/statuses/${harbour.id}/reblog`);
  const bread = await say(ann, {
    status: 'Bread is out of the oven. The kitchen smells like the reason to stay at home today.',
  });
  for (const who of [bo, cyn]) await server.call(who, 'POST', `/api/v1/statuses/${bread.id}/favourite`);
  await say(eli, {
    status: 'Only for the people of this server: the book club meets at seven, at the usual place.',
    visibility: 'local',
  });
  await say(bo, { status: '@ann Save me a slice? I will bring the good butter.', in_reply_to_id: bread.id });

  const { context, page } = await open(browser, server.url);
  await page.setViewportSize({ width: 1280, height: 900 });
  await context.addInitScript((token) => localStorage.setItem('kenoma.token', JSON.stringify(token)), ann);
  await page.goto('/local');
  const post = page.locator('article', { hasText: 'From the hill' }).first();
  await post.waitFor();
  await page.waitForLoadState('networkidle');
  await page.screenshot({ path: fileURLToPath(new URL('../../docs/screenshot.png', import.meta.url)) });
} finally {
  await browser.close();
  await server.stop();
}

async function person(name: string, display_name: string, hue: number): Promise<string> {
  const token = await server.user(name, 'correct horse battery staple');
  const form = new FormData();
  form.append('display_name', display_name);
  form.append('avatar', new Blob([new Uint8Array(picture(200, 200, hue))], { type: 'image/png' }), 'me.png');
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${server.url}/api/v1/accounts/update_credentials`, {
    method: 'PATCH',
    headers,
    body: form,
  });
  if (!answer.ok) throw new Error(`update_credentials: ${answer.status} ${await answer.text()}`);
  return token;
}

async function upload(token: string, hue: number): Promise<string> {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(picture(960, 420, hue))], { type: 'image/png' }), 'hills.png');
  form.append('description', 'Two ridges of hills in evening light; the sun is low.');
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${server.url}/api/v1/media`, { method: 'POST', headers, body: form });
  return ((await answer.json()) as MediaAttachment).id;
}

function say(token: string, status: Record<string, unknown>): Promise<Status> {
  return server.call<Status>(token, 'POST', '/api/v1/statuses', status);
}
