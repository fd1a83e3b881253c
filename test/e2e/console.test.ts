import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, launchBrowser, openPage } from '../support/browser.ts';
import { ended, openDrawer, run, savedLog, sees, write } from '../support/console-page.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';
import { weakLink } from '../support/weak-link.ts';

describe.skipIf(!hasBrowser)('the console', () => {
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
  const open = (url = service.url) => openPage(browser, url);

  describe('files', () => {
    it('go along as code and as input, with their folders', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'job-runner-console-'));
      await mkdir(join(folder, 'app/pkg'), { recursive: true });
      await mkdir(join(folder, 'app/pkg/__pycache__'));
      await writeFile(
        join(folder, 'app/main.py'),
        'import os\nfrom pkg.words import WORDS\nfor at, _, names in sorted(os.walk(os.environ["JOB_INPUT_DIR"])):\n    print(WORDS, os.path.basename(at), sorted(names))',
      );
      await writeFile(join(folder, 'app/pkg/words.py'), 'WORDS = "found"');
      await writeFile(join(folder, 'app/pkg/__pycache__/words.pyc'), 'old');
      const { page, problems } = await open();
      await openDrawer(page, 'files');
      await page.setInputFiles('[data-picks="code_files-folder"]', join(folder, 'app'));
      await page.locator('.tab', { hasText: 'pkg/words.py' }).waitFor();
      expect(await page.locator('.tab').allTextContents()).toEqual(['main.py (runs)', 'pkg/words.py']);
      await page.setInputFiles('[data-picks="input_files"]', { name: 'in.txt', mimeType: 'text/plain', buffer: Buffer.from('1') });
      await page.click('button.run');
      await sees(page, "['in.txt']");
      expect(await savedLog(page)).toMatch(/found \S+ \['in\.txt'\]/);
      expect(problems).toEqual([]);
      await page.context().close();
      await rm(folder, { recursive: true });
    });

    it('can be dropped anywhere on the page', async () => {
      const { page } = await open();
      const transfer = await page.evaluateHandle(() => {
        const files = new DataTransfer();
        files.items.add(new File(['a,b\n1,2\n'], 'dropped.csv'));
        return files;
      });
      await page.dispatchEvent('.workspace', 'dragenter', { dataTransfer: transfer });
      await page.dispatchEvent('[data-drop="input_files"]', 'drop', { dataTransfer: transfer });
      await page.locator('.file-list', { hasText: 'dropped.csv' }).waitFor();
      await run(page, 'import os; print(open(os.environ["JOB_INPUT_DIR"] + "/dropped.csv").read())');
      await sees(page, '1,2');
      await page.context().close();
    });
  });

  it('runs with what the form says, and shows at their fields what the service finds wrong', async () => {
    const { page } = await open();
    await openDrawer(page, 'settings');
    // The service's own defaults and ceilings.
    expect(await page.getAttribute('#field-timeout_sec', 'placeholder')).toBe('60');
    expect(await page.textContent('#about-timeout_sec')).toContain('up to 600');
    await page.fill('#field-args', 'one\ntwo words');
    await page.fill('#field-stdin', 'typed');
    await page.fill('#field-env', 'GREETING');
    await page.fill('[aria-label="Value of variable 1"]', 'hello');
    await page.fill('#field-timeout_sec', '601');
    await page.fill('#field-mem_limit_mb', 'much');
    await write(page, 'import os, sys\nprint(sys.argv[1:], sys.stdin.read(), os.environ["GREETING"])');
    await page.keyboard.press('ControlOrMeta+Enter');
    await page.waitForSelector('#field-timeout_sec[aria-invalid="true"]');
    expect(await page.textContent('#about-timeout_sec')).toContain('600');
    expect(await page.textContent('#about-mem_limit_mb')).toContain('must be a number');
    expect(await page.evaluate(() => document.activeElement?.id)).toMatch(/^field-/);
    await page.fill('#field-timeout_sec', '30');
    await page.fill('#field-mem_limit_mb', '');
    await page.locator('#field-mem_limit_mb').press('ControlOrMeta+Enter');
    await sees(page, "['one', 'two words'] typed hello");
    await page.context().close();
  });

  it('shows output while it comes, a progress bar in its line, and what went to standard error', async () => {
    const { page } = await open();
    await run(
      page,
      'import sys, time\nprint("\\033[32mup\\033[0m")\nprint("beware", file=sys.stderr)\nfor step in range(600):\n    print(f"\\rstep {step}", end="", flush=True)\n    time.sleep(0.1)',
    );
    await sees(page, 'up');
    expect(await page.locator('.ansi-green-fg').textContent()).toBe('up');
    await page.locator('.log-line.is-stderr', { hasText: 'beware' }).waitFor();
    const bar = page.locator('.log-line', { hasText: 'step ' });
    await bar.waitFor();
    const first = await bar.textContent();
    await page.waitForFunction((before) => [...document.querySelectorAll('.log-line')].every((line) => line.textContent !== before), first);
    expect(await bar.count()).toBe(1);
    await page.click('text=Cancel');
    await ended(page, 'canceled');
    expect(await page.textContent('.ending')).toContain('The job was canceled');
    await page.context().close();
  });

  it('goes on where it was after a reload, and says in plain words why a program failed', async () => {
    const { page } = await open();
    await run(page, 'import time\nfor i in range(60):\n    print("number", i, flush=True)\n    time.sleep(0.05)\nprint(unknown)');
    await sees(page, 'number 5');
    await page.reload();
    await ended(page, 'failed');
    expect((await savedLog(page)).match(/^number \d+$/gm)).toEqual(Array.from({ length: 60 }, (_, i) => `number ${i}`));
    expect(await page.textContent('.ending')).toContain('The program ended with exit code 1.');
    await page.context().close();
  });

  it('loses nothing and repeats nothing when its connection breaks', async () => {
    const link = await weakLink(service.url);
    const { page } = await open(link.url);
    await run(page, 'import time\nfor i in range(80):\n    print("number", i, flush=True)\n    time.sleep(0.05)');
    await sees(page, 'number 5');
    link.cut();
    await page.waitForSelector('.log-lost');
    link.mend();
    await ended(page, 'succeeded');
    expect((await savedLog(page)).match(/^number \d+$/gm)).toEqual(Array.from({ length: 80 }, (_, i) => `number ${i}`));
    expect(await page.locator('.log-lost').count()).toBe(0);
    await page.context().close();
    await link.close();
  });

  it('takes 100,000 lines, has few of them in the page, and finds any', async () => {
    const { page, problems } = await open();
    await run(page, 'for i in range(100_000): print("line", i)');
    await page.waitForSelector('.log-lines[data-lines="100002"]');
    await sees(page, 'finished with code 0');
    expect(await page.locator('.log-line').count()).toBeLessThan(200);
    await page.fill('[aria-label="Search the log"]', 'line 7777');
    await page.locator('.log-found', { hasText: '1 of 11' }).waitFor();
    await page.locator('.log-line.is-current', { hasText: /line 7777$/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.log-line.is-current', { hasText: 'line 77770' }).waitFor();
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.press('Shift+Enter');
    await page.locator('.log-line.is-current', { hasText: 'line 77779' }).waitFor();
    await page.keyboard.press('Escape');
    await page.click('text=To the end');
    await sees(page, 'finished with code 0');
    await page.click('[aria-label="Times"]');
    expect(await page.locator('.log-line time').first().textContent()).toMatch(/^\d\d:\d\d:\d\d\.\d\d\d$/);
    await page.click('[aria-label="Wrap lines"]');
    await sees(page, 'finished with code 0');
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it('lists jobs by status and label, runs them again, and removes them', async () => {
    const { page } = await open();
    await openDrawer(page, 'settings');
    await page.fill('#field-labels', 'course');
    await page.fill('[aria-label="Value of label 1"]', 'cs101');
    await run(page, 'print("again and again")');
    await ended(page, 'succeeded');
    const first = page.url();
    await page.click('text=Run again');
    await page.waitForURL((url) => url.href !== first);
    await sees(page, 'again and again');
    await page.click('nav >> text=History');
    await page.fill('[aria-label^="Label"]', 'course=cs101');
    await page.waitForFunction(() => document.querySelectorAll('.job-row').length === 2);
    await page.click('[aria-label="Status"] >> text=Failed');
    await page.locator('h2', { hasText: 'No such jobs' }).waitFor();
    await page.click('[aria-label="Status"] >> text=Succeeded');
    await page.locator('[aria-label^="Remove"]').first().click();
    await page.waitForFunction(() => document.querySelectorAll('.job-row').length === 1);
    await page.context().close();
  });

  it('shows of a job that was sent by others all but its files', async () => {
    const form = new FormData();
    form.append('spec', JSON.stringify({ args: ['from elsewhere'] }));
    form.append('code_files', new File(['import sys; print(sys.argv[1])'], 'main.py'));
    const { job_id: id } = (await (await fetch(`${service.url}/jobs`, { method: 'POST', body: form })).json()) as { job_id: string };
    const { page } = await open(`${service.url}/#/jobs/${id}`);
    await sees(page, 'from elsewhere');
    await page.click('text=Use its settings');
    await openDrawer(page, 'settings');
    expect(await page.inputValue('#field-args')).toBe('from elsewhere');
    await page.goto(`${service.url}/#/jobs/${'0'.repeat(32)}`);
    await page.locator('h2', { hasText: 'There is no such job' }).waitFor();
    await page.context().close();
  });

  it('says how the service is', async () => {
    const { page } = await open(`${service.url}/#/system`);
    await page.locator('.guarantees li', { hasText: 'filesystem' }).waitFor();
    expect(await page.locator('.part h3').allTextContents()).toEqual(expect.arrayContaining(['store', 'artifacts', 'sandbox', 'runtimes']));
    await page.locator('.numbers dd', { hasText: /^\d+$/ }).first().waitFor();
    await page.context().close();
  });
});
