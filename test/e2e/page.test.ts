import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

const CHROMIUM = '/usr/bin/chromium';
// Absent, it is a reported skip; where everything must be proved, it fails.
const there = existsSync(CHROMIUM) || process.env['CI'] !== undefined;

describe.skipIf(!there)('the page, in a real browser', () => {
  let home: ServiceHome;
  let service: RunningService;
  let browser: Browser;
  beforeAll(async () => {
    home = await serviceHome();
    service = await home.start();
    browser = await chromium.launch({
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
  });
  afterAll(async () => {
    await browser?.close();
    await home?.close();
  });

  async function open(path = '/'): Promise<{ page: Page; problems: string[] }> {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on(
      'request',
      (request) => new URL(request.url()).host === new URL(service.url).host || problems.push(`asked for ${request.url()}`),
    );
    await page.goto(service.url + path);
    await page.waitForSelector('#runtime option', { state: 'attached' });
    return { page, problems };
  }

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
