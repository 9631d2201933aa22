import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { MediaAttachment, Status } from '../src/api/types';
import { open, shoot, type Look } from '../test/browser/browser';
import { picture } from './picture';
import type { Server } from './server';

/** What the tests with the real program share: people who are signed in, and what must hold on every page. */

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const password = 'correct horse battery staple';

export interface Visit {
  context: BrowserContext;
  page: Page;
  problems: string[];
}

/** Opens the page as whoever a token belongs to. */
export async function visit(
  browser: Browser,
  server: Server,
  token: string,
  look: Look = {},
): Promise<Visit> {
  const made = await open(browser, server.url, look);
  await made.context.addInitScript((t) => localStorage.setItem('kenoma.token', JSON.stringify(t)), token);
  return made;
}

/** A page that is looked at: its name for the picture, its address, and what it says once it is there. */
export type Sight = [name: string, path: string, ready: string, prepare?: (page: Page) => Promise<void>];

/**
 * Opens pages on a desktop and a phone, light and dark, saves pictures, and asserts that axe finds nothing,
 * nothing is too wide, and nothing failed.
 */
export async function inOrder(
  browser: Browser,
  server: Server,
  token: string,
  sights: Sight[],
): Promise<void> {
  for (const size of ['desktop', 'phone'] as const) {
    for (const dark of [false, true]) {
      const { context, page, problems } = await visit(browser, server, token, { size, dark });
      for (const [name, path, ready, prepare] of sights) {
        await page.goto(path);
        await page.getByText(ready).filter({ visible: true }).first().waitFor();
        await prepare?.(page);
        await shoot(page, 'e2e', `${name}-${size}-${dark ? 'dark' : 'light'}`);
        const where = `${name} on a ${dark ? 'dark' : 'light'} ${size}`;
        assert.deepEqual(await violations(page), [], where);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `${where} is ${over}px too wide`);
      }
      assert.deepEqual(problems, []);
      await context.close();
    }
  }
}

/** What axe has to say against a page: rule and place. */
export async function violations(at: Page): Promise<string[]> {
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

export async function until(what: () => boolean | Promise<boolean>, message: string): Promise<void> {
  for (let n = 0; n < 200; n++) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(message);
}

export function say(
  server: Server,
  token: string,
  status: Record<string, unknown> | string,
): Promise<Status> {
  const body = typeof status === 'string' ? { status } : status;
  return server.call<Status>(token, 'POST', '/api/v1/statuses', body);
}

/** Uploads a picture; the answer is its id. */
export async function upload(server: Server, token: string, hue = 0, description = ''): Promise<string> {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(picture(640, 400, hue))], { type: 'image/png' }), 'hills.png');
  if (description) form.append('description', description);
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${server.url}/api/v1/media`, { method: 'POST', headers, body: form });
  return ((await answer.json()) as MediaAttachment).id;
}

/** Makes one account follow another. */
export async function follow(server: Server, token: string, name: string): Promise<void> {
  const { id } = await server.call<{ id: string }>(token, 'GET', `/api/v1/accounts/lookup?acct=${name}`);
  await server.call(token, 'POST', `/api/v1/accounts/${id}/follow`);
}
