import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';

/** What people do on the console's page. */

/** Puts a program into the editor. */
export async function write(page: Page, program: string): Promise<void> {
  await page.locator('.cm-content').focus();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText(program);
}

export async function run(page: Page, program: string): Promise<void> {
  await write(page, program);
  await page.click('button.run');
  await page.waitForURL(/#\/jobs\/[0-9a-f]{32}$/);
}

export const ended = (page: Page, status: string): Promise<unknown> => page.waitForSelector(`.job[data-status="${status}"]`);

/** Until a line is in sight. */
export const sees = (page: Page, text: string): Promise<void> => page.locator('.log-line', { hasText: text }).first().waitFor();

/** The whole log, as the page has it. */
export async function savedLog(page: Page): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('[aria-label="Download the log"]')]);
  return readFile(await download.path(), 'utf8');
}

export async function openDrawer(page: Page, name: 'files' | 'settings'): Promise<void> {
  if ((await page.getAttribute(`.drawer[data-drawer="${name}"]`, 'open')) === null)
    await page.click(`.drawer[data-drawer="${name}"] summary`);
}
