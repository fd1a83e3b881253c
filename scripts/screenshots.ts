import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { launchBrowser, openPage } from '../test/support/browser.ts';
import { ended } from '../test/support/console-page.ts';
import { serviceHome } from '../test/support/service.ts';

/** `npm run screenshots`: the README's pictures, of a service with real jobs. */

const ROOT = join(import.meta.dirname, '..');
const IMAGES = join(ROOT, 'docs/images');
/** Beside the runtimes that `npm start` has prepared. */
const DATA = join(ROOT, 'data', `screenshots-${process.pid}`);
const READY_MS = 600_000;

const example = async (page: Page, name: string): Promise<void> => {
  await page.click('.menu summary');
  await page.click(`.menu button:has-text("${name}")`);
  await page.click('button.run');
};

interface Picture {
  name: string;
  options: BrowserContextOptions;
  take(page: Page): Promise<void>;
}

const PICTURES: readonly Picture[] = [
  {
    name: 'console',
    options: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
    async take(page) {
      await example(page, 'Draw a plot');
      await ended(page, 'succeeded');
      await page.locator('.image-button img').waitFor();
    },
  },
  {
    name: 'console-dark',
    options: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
    async take(page) {
      await example(page, 'Watch progress');
      await page.locator('.log-line', { hasText: /[3-6]\d%/ }).waitFor();
    },
  },
  {
    name: 'console-phone',
    options: { viewport: { width: 390, height: 780 }, colorScheme: 'light', isMobile: true, hasTouch: true },
    async take(page) {
      await example(page, 'Sum up a table');
      await ended(page, 'succeeded');
      await page.locator('.result td').first().waitFor();
    },
  },
];

const home = await serviceHome();
const browser = await launchBrowser();
try {
  await mkdir(IMAGES, { recursive: true });
  const service = await home.start({ JOB_DATA_DIR: DATA, RUNTIME_PACKAGES: 'prepare' });
  for (const { name, options, take } of PICTURES) {
    const { page } = await openPage(browser, service.url, options);
    await page.locator('.state.is-good').waitFor({ timeout: READY_MS });
    await take(page);
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: join(IMAGES, `${name}.png`) });
    process.stdout.write(`docs/images/${name}.png\n`);
    await page.context().close();
  }
} finally {
  await browser.close();
  await home.close();
  await rm(DATA, { recursive: true, force: true });
}
