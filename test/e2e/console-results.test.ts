import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { hasBrowser, launchBrowser, openPage } from '../support/browser.ts';
import { commandLine } from '../support/command-line.ts';
import { ended, openDrawer, run, sees } from '../support/console-page.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

/** Beside the runtimes that `npm start` has prepared in this checkout, or prepares them. */
const dataDir = join(import.meta.dirname, '../../data', `console-${process.pid}`);

/** city, degrees, n; two rows, written by pyarrow. */
const PARQUET = [
  'UEFSMRUEFSQVKEwVBBUAEgAAEkQGAAAATGlzYm9uBAAAAE9zbG8VABUSFRYsFQQVEBUGFQYcAAAACSACAAAABAEBAwIVBBUgFSRMFQQVABIAAB',
  'A8MzMzMzMzJ0AzMzMzMzMRwBUAFRIVFiwVBBUQFQYVBhwAAAAJIAIAAAAEAQEDAhUEFSAVJEwVBBUAEgAAEDwBAAAAAAAAAAAAAAAAAQAAFQAV',
  'EhUWLBUEFRAVBhUGHAAAAAkgAgAAAAQBAQMCFQQZTDUAGAZzY2hlbWEVBgAVDCUCGARjaXR5JQBMHAAAABUKJQIYB2RlZ3JlZXMAFQQlAhgBbg',
  'AWBBkcGTwmABwVDBk1AAYQGRgEY2l0eRUCFgQWeBaAASZMJggpLBUEFQAVAgAVABUQFQIAPBYUGQYZJgAEAAAAJgAcFQoZNQAGEBkYB2RlZ3Jl',
  'ZXMVAhYEFnQWfCbIASaIASksFQQVABUCABUAFRAVAgA8KQYZJgAEAAAAJgAcFQQZNQAGEBkYAW4VAhYEFnQWfCbEAiaEAiksFQQVABUCABUAFR',
  'AVAgA8KQYZJgAEAAAAFuACFgQmCBb4AgAoIHBhcnF1ZXQtY3BwLWFycm93IHZlcnNpb24gMjYuMC4xGTwcAAAcAAAcAAAAIwEAAFBBUjE=',
].join('');

describe.skipIf(!hasBrowser)('the console’s results', () => {
  let home: ServiceHome;
  let service: RunningService;
  let browser: Browser;
  beforeAll(async () => {
    home = await serviceHome();
    service = await home.start({ JOB_DATA_DIR: dataDir, RUNTIME_PACKAGES: 'prepare' });
    browser = await launchBrowser();
    // What comes of the preparing is for those to say who need it.
    await vi.waitUntil(
      async () => {
        const { runtimes } = (await (await fetch(`${service.url}/runtimes`)).json()) as { runtimes: { state: string }[] };
        return runtimes[0]?.state !== 'preparing';
      },
      { timeout: 590_000, interval: 500 },
    );
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await home?.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('show a first visitor a plot, one press of a button away', async (context) => {
    const { runtimes } = (await (await fetch(`${service.url}/runtimes`)).json()) as { runtimes: { packages: Record<string, string> }[] };
    if (runtimes[0]?.packages['matplotlib'] === undefined) {
      if (process.env['CI'] !== undefined) throw new Error(`the default runtime has no matplotlib:\n${service.said()}`);
      context.skip('the default runtime has no matplotlib');
    }
    const { page, problems } = await openPage(browser, service.url);
    await page.click('button.run');
    const plot = page.locator('.image-button img');
    await plot.waitFor();
    await page.waitForFunction(() => (document.querySelector<HTMLImageElement>('.image-button img')?.naturalWidth ?? 0) > 300);
    expect(await plot.getAttribute('alt')).toBe('figure-1.png');
    expect(await page.textContent('.facts')).toMatch(/Time.*CPU.*Memory/);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it('are tables, trees and texts, each as its kind is looked at', async () => {
    const { page, problems } = await openPage(browser, service.url);
    await openDrawer(page, 'files');
    await page.setInputFiles('[data-picks="input_files"]', {
      name: 'in.parquet',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(PARQUET, 'base64'),
    });
    await run(
      page,
      [
        'import os, shutil',
        'shutil.copy(os.environ["JOB_INPUT_DIR"] + "/in.parquet", "cities.parquet")',
        'open("a.csv", "w").write("name,value\\nx,1\\n\\"y, z\\",22\\n")',
        'open("b.json", "w").write(\'{"deep": {"list": [1, true, null]}}\')',
        'open("c.txt", "w").write("<b>only text</b>")',
        'open("d.bin", "wb").write(bytes(range(256)))',
      ].join('\n'),
    );
    await ended(page, 'succeeded');
    await page.locator('.result[data-name="a.csv"] td', { hasText: 'y, z' }).waitFor();
    await page.locator('.result[data-name="cities.parquet"] td', { hasText: '1099511627776' }).waitFor();
    await page.click('[aria-label="Show b.json"]');
    await page.locator('.json-key', { hasText: 'deep' }).waitFor();
    await page.click('[aria-label="Show c.txt"]');
    expect(await page.locator('.text-preview').textContent()).toBe('<b>only text</b>');
    expect(await page.locator('[aria-label="Show d.bin"]').count()).toBe(0);
    const [zip] = await Promise.all([page.waitForEvent('download'), page.click('text=All as zip')]);
    expect(zip.suggestedFilename()).toMatch(/\.zip$/);
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('[aria-label="Download d.bin"]')]);
    expect(file.suggestedFilename()).toBe('d.bin');
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it('that are pages run in an origin of their own, and reach nothing', async () => {
    const { page } = await openPage(browser, service.url);
    const html = `<p id="said"></p><script>
      const said = [origin];
      try { parent.document.title; said.push("parent"); } catch { said.push("no parent"); }
      try { localStorage.length; said.push("storage"); } catch { said.push("no storage"); }
      fetch("${service.url}/healthz").then(() => said.push("network"), () => said.push("no network")).then(() => { document.getElementById("said").textContent = said.join(", "); });
    </script>`;
    await run(page, `open("page.html", "w").write(${JSON.stringify(html)})`);
    const said = page.frameLocator('.html-frame').locator('#said', { hasText: 'network' });
    expect(await said.textContent()).toBe('null, no parent, no storage, no network');
    await page.context().close();
  });

  /** A service that asks for a key, and one that it takes. */
  async function startClosed(): Promise<{ url: string; key: string }> {
    const keysDir = await mkdtemp(join(dataDir, 'keys-'));
    const keys = join(keysDir, 'keys.json');
    const { stdout } = await commandLine(keysDir, { API_KEYS_FILE: keys }).run(['keys', 'create', 'alice']);
    const closedHome = await serviceHome();
    onTestFinished(() => closedHome.close());
    const { url } = await closedHome.start({ API_KEYS_FILE: keys });
    return { url, key: /jrk_\S+/.exec(stdout)?.[0] ?? '' };
  }

  it('ask for a key as often as one is refused, and doubt none for what was asked before it', async () => {
    const { url, key } = await startClosed();
    const page = await (await browser.newContext()).newPage();
    await page.goto(url);
    await page.locator('.key-dialog[open]').waitFor();
    // As when a refusal is there before the browser has told of the dialog's end.
    const isOpen = await page.evaluate(async () => {
      const dialog = document.querySelector<HTMLDialogElement>('.key-dialog');
      const closed = new Promise((resolve) => dialog?.addEventListener('close', resolve, { once: true }));
      dialog?.close();
      dialog?.showModal();
      await closed;
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return dialog?.open;
    });
    expect(isOpen).toBe(true);

    const held: Route[] = [];
    let isHolding = true;
    await page.route('**/runtimes', (route) => (isHolding ? void held.push(route) : route.continue()));
    await page.fill('#api-key', 'wrong');
    await page.click('text=Use this key');
    await expect.poll(() => held.length).toBe(1);
    isHolding = false;
    for (const leave of [() => page.keyboard.press('Escape'), () => page.click('text=Not now')]) {
      await page.click('[aria-label="Change the API key"]');
      await page.locator('.key-dialog[open]').waitFor();
      await leave();
      await page.locator('.key-dialog[open]').waitFor({ state: 'detached' });
    }
    await page.click('[aria-label="Change the API key"]');
    await page.fill('#api-key', key);
    await page.click('text=Use this key');
    await page.locator('.key-dialog[open]').waitFor({ state: 'detached' });
    const late = page.waitForResponse((response) => response.status() === 401);
    for (const route of held) await route.continue();
    await (await late).finished();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
    expect(await page.locator('.key-dialog[open]').count()).toBe(0);
    await page.context().close();
  });

  it('and all else are for those who have a key, where one is asked for', async () => {
    const { url, key } = await startClosed();
    const { page } = await openPage(browser, url);
    await page.locator('.key-dialog[open]').waitFor();
    await page.fill('#api-key', 'wrong');
    await page.click('text=Use this key');
    await page.locator('h2', { hasText: 'This key does not work' }).waitFor();
    await page.fill('#api-key', key);
    await page.click('text=Use this key');
    await page.locator('.key-dialog[open]').waitFor({ state: 'detached' });
    await run(page, 'import time\nprint("let in", flush=True)\ntime.sleep(1)\nopen("a.csv", "w").write("a,b\\n1,2\\n")');
    await sees(page, 'let in');
    await page.locator('.result td', { hasText: '2' }).waitFor();
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('[aria-label="Download a.csv"]')]);
    expect(file.suggestedFilename()).toBe('a.csv');
    await page.reload();
    await sees(page, 'let in');
    await page.context().close();
  });
});
