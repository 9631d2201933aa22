import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launch, open, shoot } from '../test/browser/browser';
import { Server } from './server';

/** The server's own pages: passkeys, which need the one script there, and how every page looks. */

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const password = 'correct horse battery staple';
const server = new Server();
let browser: Browser;
let context: BrowserContext;
let page: Page;
let problems: string[];

before(async () => {
  await server.start();
  await server.user('ann', password);
  browser = await launch();
  ({ context, page, problems } = await open(browser, server.url));
  const devtools = await context.newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
});

after(async () => {
  await browser?.close();
  await server.stop();
});

async function signIn(next: string): Promise<void> {
  await page.goto(`/auth/sign_in?next=${next}`);
  await page.getByLabel('Name or e-mail address').fill('ann');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** All pages that somebody who is signed in can open. */
const pages = [
  '/settings/account',
  '/settings/security',
  '/settings/security/app',
  '/settings/security/passkey',
  '/settings/sessions',
  '/settings/apps',
  '/settings/export',
  '/settings/import',
  '/settings/delete',
  '/auth/sign_in',
  '/auth/password',
];

describe('the pages of an account', () => {
  it('set up a passkey', async () => {
    await signIn('/settings/security/passkey');
    await page.getByLabel('A name for it').fill('Laptop');
    await page.getByLabel('Your password').fill(password);
    await page.getByRole('button', { name: 'Make the passkey' }).click();
    await page.getByText('Keep these codes').waitFor();
    assert.equal(await page.locator('.codes code').count(), 10);
    assert.deepEqual(problems, []);
  });

  it('let somebody in by a passkey alone', async () => {
    await context.clearCookies();
    await page.goto('/auth/sign_in?next=/settings/security');
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByRole('heading', { name: 'Laptop' }).waitFor();
    assert.deepEqual(problems, []);
  });

  it('ask for the passkey after the password', async () => {
    await context.clearCookies();
    await signIn('/settings/account');
    await page.waitForURL('**/auth/second?**');
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.waitForURL('**/settings/account');
    assert.deepEqual(problems, []);
  });

  it('fit every window and can be read by everybody', async () => {
    for (const look of [{ size: 'phone' as const, dark: true }, { size: 'desktop' as const }]) {
      const made = await open(browser, server.url, look);
      await made.context.addCookies(await context.cookies());
      for (const path of pages) {
        await made.page.goto(path);
        await shoot(made.page, 'e2e', `${look.size}-${path.slice(1).replace(/\//g, '-')}`);
        const wide = await made.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${path} is ${wide} px too wide`);
        await made.page.evaluate(axe);
        const found = await made.page.evaluate(async () => {
          const result = await (
            window as unknown as {
              axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
            }
          ).axe.run();
          return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`);
        });
        assert.deepEqual(found, [], path);
      }
      await made.context.close();
    }
  });
});
