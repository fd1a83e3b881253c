import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { JOB_RUNNER } from '../support/command-line.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

/** The examples of the pages, each as somebody would copy it, in the order in which they stand. */

const ROOT = join(import.meta.dirname, '../..');
const PAGES = ['docs/clients.md', 'docs/webhooks.md', 'clients/python/README.md'];
const USUAL_URL = 'http://127.0.0.1:8000';
const execute = promisify(execFile);

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
let folder: string;
beforeAll(async () => {
  home = await serviceHome();
  service = await home.start();
  folder = await mkdtemp(join(tmpdir(), 'job-runner-examples-'));
  await mkdir(join(folder, 'bin'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(JOB_RUNNER, join(folder, 'bin/job-runner'));
  await symlink(ROOT, join(folder, 'node_modules/job-runner'));
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
});
afterAll(async () => {
  await home?.close();
  await rm(folder, { recursive: true, force: true });
});

const PROGRAMS: Record<string, { file: string; command: string[] }> = {
  bash: { file: 'example.sh', command: ['bash', '-euo', 'pipefail'] },
  ts: { file: 'example.ts', command: ['node'] },
  python: { file: 'example.py', command: ['python3'] },
};

it.each(examples)('$page:$line ($language)', async ({ language, code }) => {
  const { file, command } = PROGRAMS[language] ?? { file: '', command: [] };
  await writeFile(join(folder, file), code.replaceAll(USUAL_URL, service.url));
  const [program = '', ...args] = command;
  const running = execute(program, [...args, file], {
    cwd: folder,
    env: {
      // This Node before whichever the machine has.
      PATH: [join(folder, 'bin'), join(process.execPath, '..'), process.env['PATH']].join(delimiter),
      HOME: folder,
      JOB_RUNNER_URL: service.url,
      PYTHONPATH: join(ROOT, 'clients/python/src'),
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  // A pipe that stays open is one that something may still come out of, to a command that reads it.
  running.child.stdin?.end();
  expect((await running).stdout).not.toBe('');
});
