import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, afterEach, before, beforeEach } from 'node:test';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { Fake } from '../fake/server';
import { launch, open, type Look } from './browser';

/** What every browser test against the stand-in begins with, and the words that the tests are written in. */

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export let browser: Browser;
export let fake: Fake;
export let context: BrowserContext;
export let page: Page;
export let problems: string[];

/** Gives each test of a file a stand-in of its own; one browser serves them all. */
export function stage(): void {
  before(async () => void (browser = await launch()));
  after(() => browser.close());
  beforeEach(async () => {
    fake = new Fake();
    await fake.start();
  });
  afterEach(async () => {
    await context?.close();
    await fake.stop();
  });
}

/** Opens a page as a guest, or signed in as Ann. */
export async function visit(path: string, look: Look & { guest?: boolean } = {}): Promise<void> {
  ({ context, page, problems } = await open(browser, fake.url, look));
  if (!look.guest) await page.addInitScript(() => localStorage.setItem('kenoma.token', '"ann"'));
  await page.goto(path);
}

export const post = (text: string) => page.locator('article', { hasText: text }).first();
export const button = (name: string | RegExp) =>
  page.getByRole('button', { name, exact: typeof name === 'string' });
export const saved = (text: string) => fake.world.statuses.find((s) => s.content.includes(text))!;
/** How far a post is from the top of the window. */
export const top = async (text: string) => Math.round((await post(text).boundingBox())!.y);

/** Clicks without scrolling to it first, as Playwright does. */
export const press = (what: Locator) => what.evaluate((element: HTMLElement) => element.click());

export async function until(what: () => boolean | Promise<boolean>, message: string): Promise<void> {
  for (let n = 0; n < 200; n++) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(message);
}

export const focused = () =>
  page.evaluate(() => {
    const element = document.activeElement;
    return element?.getAttribute('aria-label') ?? element?.textContent?.trim() ?? '';
  });

/** What axe has to say against the page: rule and place. */
export async function violations(): Promise<string[]> {
  // Through the debugger, which the content policy does not bind.
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    const { violations } = await axe.run();
    return violations.flatMap((v) =>
      v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} ${n.failureSummary ?? ''}`),
    );
  });
}

interface Violation {
  id: string;
  nodes: { target: string[]; failureSummary?: string }[];
}
