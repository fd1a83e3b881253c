import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discover } from '../../src/runtimes/discover.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

/** clients/python has its own tests; here they meet a service, on each Python of this machine. */

const CLIENT = join(import.meta.dirname, '../../clients/python');
const pythons = await discover(undefined, process.env);
const execute = promisify(execFile);
const environment = (url: string): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  JOB_RUNNER_URL: url,
  PYTHONPATH: join(CLIENT, 'src'),
  PYTHONDONTWRITEBYTECODE: '1',
});

let home: ServiceHome;
let service: RunningService;
beforeAll(async () => {
  home = await serviceHome();
  service = await home.start();
});
afterAll(() => home?.close());

describe('the Python client', () => {
  it('is of the version that the package is of', async () => {
    const { version } = JSON.parse(await readFile(join(CLIENT, '../../package.json'), 'utf8')) as { version: string };
    expect(await readFile(join(CLIENT, 'pyproject.toml'), 'utf8')).toContain(`\nversion = "${version}"\n`);
    expect(await readFile(join(CLIENT, 'src/job_runner/__init__.py'), 'utf8')).toContain(`\n__version__ = "${version}"\n`);
  });

  it.each(pythons)('passes its tests on Python $version, and leaves nothing open', async ({ interpreter }) => {
    const args = ['-W', 'always::ResourceWarning', '-m', 'unittest', 'discover', '-s', join(CLIENT, 'tests')];
    const { stderr } = await execute(interpreter.executable, args, { env: environment(service.url) });
    expect(stderr).toMatch(/Ran [1-9]\d* tests[^]*\nOK\n/);
    expect(stderr).not.toContain('ResourceWarning');
  });

  it.each(['sync', 'async'])('goes on after a kill -9 of the service, with nothing lost and nothing twice (%s)', async (kind) => {
    const program = {
      sync: 'for event in Client(url).events(id): show(event)',
      async: 'async def main():\n  async for event in AsyncClient(url).events(id): show(event)\nimport asyncio\nasyncio.run(main())',
    }[kind];
    const script = `import sys\nfrom job_runner import AsyncClient, Client\nurl, id = sys.argv[1:]\ndef show(event):\n  if hasattr(event, "seq"): print(event.seq, event.text.strip(), flush=True)\n${program}\n`;
    const other = await serviceHome();
    try {
      const first = await other.start();
      const counting = 'import time\nfor i in range(40): print(i, flush=True); time.sleep(0.05)';
      const form = new FormData();
      form.append('spec', '{}');
      form.append('code_files', new File([counting], 'main.py'));
      const { job_id: id } = (await (await fetch(`${first.url}/jobs`, { method: 'POST', body: form })).json()) as { job_id: string };
      const python = spawn(pythons[0]?.interpreter.executable ?? 'python3', ['-c', script, first.url, id], {
        env: environment(first.url),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let seen = '';
      python.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text));
      const ended = new Promise((resolve) => python.once('close', resolve));
      await expect.poll(() => seen).toMatch(/ 8\n/);
      await first.kill('SIGKILL');
      const second = await other.start({ PORT: new URL(first.url).port });
      expect(await ended).toBe(0);
      const log = await (await fetch(`${second.url}/jobs/${id}/logs`)).text();
      const numbered = log.trimEnd().split('\n');
      expect(seen).toBe(numbered.map((line, index) => `${index + 1} ${line}\n`).join(''));
    } finally {
      await other.close();
    }
  });
});
