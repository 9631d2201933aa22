import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

/** What both kinds of browser tests need: a Chromium, contexts in each size and colour, pictures of pages. */

export const sizes = {
  desktop: { viewport: { width: 1280, height: 860 } },
  tablet: { viewport: { width: 820, height: 1100 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
};

export interface Look {
  size?: keyof typeof sizes;
  dark?: boolean;
  /** The browser's language. */
  locale?: string;
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page of its own whose errors, and refusals by the content policy, are collected in `problems`. */
export async function open(
  browser: Browser,
  baseURL: string,
  { size = 'desktop', dark = false, locale = 'en-GB' }: Look = {},
): Promise<{ context: BrowserContext; page: Page; problems: string[] }> {
  const context = await browser.newContext({
    ...sizes[size],
    baseURL,
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    locale,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const problems: string[] = [];
  page.on('pageerror', (err) => problems.push(String(err)));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`${message.text()} ${message.location().url}`);
  });
  return { context, page, problems };
}

/** Saves a picture of what is on the screen beside the tests; nobody compares it, people look at it. */
export async function shoot(page: Page, folder: string, name: string): Promise<void> {
  const path = fileURLToPath(new URL(`../../${folder}/screenshots/`, import.meta.url));
  mkdirSync(path, { recursive: true });
  await page.waitForLoadState('networkidle').catch(() => {});
  await page.screenshot({ path: `${path}${name}.png` });
}
