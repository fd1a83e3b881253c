import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, launchBrowser, openPage } from '../support/browser.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

describe.skipIf(!hasBrowser)('the small page, in a real browser', () => {
  let home: ServiceHome;
  let service: RunningService;
  let browser: Browser;
  beforeAll(async () => {
    home = await serviceHome();
    service = await home.start();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await home?.close();
  });

  const open = async (): Promise<{ page: Page; problems: string[] }> => {
    const opened = await openPage(browser, `${service.url}/static/examples/client.html`);
    await opened.page.waitForSelector('#runtime option', { state: 'attached' });
    return opened;
  };

  const run = async (page: Page, program: string): Promise<void> => {
    await page.fill('#code', program);
    await page.click('#run');
  };

  it('runs a program, shows its log and status, and gives its files back', async () => {
    const { page, problems } = await open();
    await page.setInputFiles('#input-files', { name: 'in.txt', mimeType: 'text/plain', buffer: Buffer.from('from a file') });
    await page.fill('#args', 'one\ntwo');
    await run(
      page,
      'import os, sys\nprint(sys.argv[1:], open(os.environ["JOB_INPUT_DIR"] + "/in.txt").read())\nopen(os.environ["JOB_OUTPUT_DIR"] + "/é #1.txt", "w").write("made")',
    );
    await page.waitForSelector('#artifacts a');
    expect(await page.textContent('#log')).toContain("['one', 'two'] from a file\n");
    expect(await page.textContent('#status')).toBe('succeeded');
    const href = await page.getAttribute('#artifacts a', 'href');
    expect(await (await fetch(href ?? '')).text()).toBe('made');
    expect(problems).toEqual([]);
    await page.close();
  });

  it('shows output while it comes, cancels, and finds its job again after a reload', async () => {
    const { page } = await open();
    await run(page, 'import time\nprint("up")\ntime.sleep(60)');
    await page.waitForFunction(() => document.querySelector('#log')?.textContent?.includes('up'));
    await page.reload();
    await page.waitForFunction(() => document.querySelector('#log')?.textContent?.includes('up'));
    await page.click('#cancel');
    await page.waitForFunction(() => document.querySelector('#status')?.textContent === 'canceled');
    expect(await page.textContent('#facts')).toContain('canceled');
    await page.close();
  });

  it('shows what is wrong with a request', async () => {
    const { page } = await open();
    await page.fill('#memory', '33');
    await page.evaluate(() => document.querySelector('#memory')?.removeAttribute('min'));
    await page.fill('#memory', '3');
    await run(page, 'print(1)');
    await page.waitForSelector('#problem:not([hidden])');
    expect(await page.textContent('#problem')).toContain('/spec/mem_limit_mb');
    await page.close();
  });

  it('works under whatever host name served it', async () => {
    const page = await browser.newPage();
    await page.goto(`${service.url.replace('127.0.0.1', 'localhost')}/static/examples/client.html`);
    await page.waitForSelector('#runtime option', { state: 'attached' });
    await run(page, 'print("hello")');
    await page.waitForFunction(() => document.querySelector('#status')?.textContent === 'succeeded');
    await page.close();
  });
});
