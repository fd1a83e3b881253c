import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, launchBrowser, openPage } from '../support/browser.ts';
import { ended, openDrawer, run, write } from '../support/console-page.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** A job with something of everything: colours, standard error, several kinds of files, a failure. */
const PROGRAM = `
import sys
print("\\033[31mred \\033[42mon green\\033[0m \\033[94mbright\\033[0m")
print("beware", file=sys.stderr)
open("a.csv", "w").write("name,value\\nx,1\\n")
open("b.json", "w").write('{"deep": [1, true, null, "text"]}')
open("c.svg", "w").write('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="teal"/></svg>')
open("d.txt", "w").write("text")
sys.exit(3)
`;

describe.skipIf(!hasBrowser)('the console’s looks', () => {
  let home: ServiceHome;
  let service: RunningService;
  let browser: Browser;
  let job: string;
  beforeAll(async () => {
    home = await serviceHome();
    service = await home.start();
    browser = await launchBrowser();
    const { page } = await openPage(browser, service.url);
    await run(page, PROGRAM);
    await ended(page, 'failed');
    job = new URL(page.url()).hash;
    await page.context().close();
  });
  afterAll(async () => {
    await browser?.close();
    await home?.close();
  });

  /** Every page, in every state that looks different. */
  const STATES: [string, (page: Page) => Promise<void>][] = [
    ['a first visit', async (page) => void (await page.waitForSelector('button.run'))],
    [
      'a form with mistakes',
      async (page) => {
        await openDrawer(page, 'files');
        await openDrawer(page, 'settings');
        await page.fill('#field-timeout_sec', '-1');
        await page.click('button.run');
        await page.waitForSelector('[aria-invalid="true"]');
      },
    ],
    [
      'a job that failed',
      async (page) => {
        await page.evaluate((hash) => (location.hash = hash), job);
        await ended(page, 'failed');
        await page.waitForSelector('.result td');
        await page.click('[aria-label="Show d.txt"]');
        await page.click('text=Everything about this job');
        await page.waitForSelector('.text-preview');
      },
    ],
    [
      'a program as code',
      async (page) => {
        await page.locator('.small-button:visible', { hasText: 'Copy as' }).first().click();
        await page.waitForSelector('.copy-as[open]');
      },
    ],
    [
      'the history',
      async (page) => {
        await page.keyboard.press('Escape');
        await page.click('nav >> text=History');
        await page.waitForSelector('.job-row');
      },
    ],
    [
      'the system',
      async (page) => {
        await page.click('nav >> text=System');
        await page.waitForSelector('.guarantees');
      },
    ],
  ];
  const LOOKS = [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['on a phone', { ...PHONE, colorScheme: 'light' }],
  ] as const;

  it.each(LOOKS)('have nothing that axe objects to, and nothing that leaves the window: %s', async (_look, options) => {
    const { page } = await openPage(browser, service.url, options);
    await page.waitForSelector('.state.is-good');
    // By way of the debugger: the page's policy lets no other script in.
    await page.evaluate(axe.source);
    const found: Record<string, string[]> = {};
    for (const [state, reach] of STATES) {
      await reach(page);
      const violations = await page.evaluate(async () => {
        const { violations } = await (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run();
        return violations.map(
          ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join('\n')}`,
        );
      });
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) violations.push('wider than its window');
      if (violations.length > 0) found[state] = violations;
    }
    expect(found).toEqual({});
    await page.context().close();
  });

  it('leave a phone one of program and job, and both in reach', async () => {
    const { page, problems } = await openPage(browser, service.url, PHONE);
    expect(await page.locator('[data-pane="job"]').isVisible()).toBe(false);
    await run(page, 'print("from a phone")');
    await page.locator('.log-line', { hasText: 'from a phone' }).waitFor();
    expect(await page.locator('[data-pane="program"]').isVisible()).toBe(false);
    await page.click('[data-shows="program"]');
    expect(await page.locator('button.run').isVisible()).toBe(true);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it('follow the system’s colours until one chooses', async () => {
    const { page } = await openPage(browser, service.url, { colorScheme: 'dark' });
    const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await ground();
    await page.click('[aria-label^="Colours"]');
    const light = await ground();
    expect(light).not.toBe(dark);
    await page.reload();
    expect(await ground()).toBe(light);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.click('[aria-label^="Colours"]');
    expect(await ground()).toBe(dark);
    await page.context().close();
  });

  it('need no mouse', async () => {
    const { page } = await openPage(browser, service.url);
    await page.waitForSelector('.state.is-good');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('To the content');
    await write(page, 'print("typed")');
    // A tab indents; with Escape before it, it leaves.
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('SUMMARY');
    await page.locator('.cm-content').focus();
    await page.keyboard.press('ControlOrMeta+Enter');
    await ended(page, 'succeeded');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    await page.locator('body').press('/');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Search the log');
    await page.context().close();
  });
});
