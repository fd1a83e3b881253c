import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exampleFolder, type ExampleFolder } from '../support/example-folder.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

/** The examples of the pages, each as somebody would copy it, in the order in which they stand. */

const ROOT = join(import.meta.dirname, '../..');
const PAGES = ['docs/clients.md', 'docs/webhooks.md', 'clients/python/README.md'];
const USUAL_URL = 'http://127.0.0.1:8000';

interface Example {
  page: string;
  line: number;
  language: string;
  code: string;
}

async function examplesOf(page: string): Promise<Example[]> {
  const text = await readFile(join(ROOT, page), 'utf8');
  return (
    [...text.matchAll(/^```(bash|ts|python)\n([^]*?)^```$/gm)]
      .map(({ index, 1: language = '', 2: code = '' }) => ({ page, line: text.slice(0, index).split('\n').length + 1, language, code }))
      // What installs from a registry is tried when there is something to publish.
      .filter(({ code }) => !/^(npm|pip) install/.test(code))
  );
}

const examples = (await Promise.all(PAGES.map(examplesOf))).flat();

let home: ServiceHome;
let service: RunningService;
let folder: ExampleFolder;
beforeAll(async () => {
  home = await serviceHome();
  service = await home.start();
  folder = await exampleFolder();
});
afterAll(async () => {
  await home?.close();
  await folder?.close();
});

it.each(examples)('$page:$line ($language)', async ({ language, code }) => {
  expect(await folder.run(language, code.replaceAll(USUAL_URL, service.url), { JOB_RUNNER_URL: service.url })).not.toBe('');
});
