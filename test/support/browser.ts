import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';

/** Absent, it is a reported skip; where everything must be proved, it fails. */
export const hasBrowser = existsSync(CHROMIUM) || process.env['CI'] !== undefined;

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
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

export interface Watched {
  page: Page;
  /** What went wrong in it, and whom else it asked: nothing and nobody, where all is well. */
  problems: string[];
}

/** A page in a profile of its own, that is watched while it is used. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('request', (request) => {
    const asked = new URL(request.url());
    if (['http:', 'https:', 'ws:'].includes(asked.protocol) && asked.host !== new URL(url).host) problems.push(`asked for ${asked.href}`);
  });
  await page.goto(url);
  return { page, problems };
}
