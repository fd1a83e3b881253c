import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { hasBrowser, launchBrowser, openPage } from '../support/browser.ts';
import { commandLine } from '../support/command-line.ts';
import { ended, run as runOnPage, sees } from '../support/console-page.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

/** One program, by each way that there is to the service: the same words, and the same picture byte by byte. */

const PROGRAM = `import pandas as pd
import matplotlib.pyplot as plt
frame = pd.DataFrame({"x": [1, 2, 3], "y": [1, 4, 9]})
print("sum", frame.y.sum())
frame.plot(x="x", y="y")
plt.show()
`;
const WORDS = 'sum 14\n';
const PICTURE = 'figure-1.png';

/** Beside the runtimes that `npm start` has prepared in this checkout, or prepares them. */
const dataDir = join(import.meta.dirname, '../../data', `every-way-${process.pid}`);
const execute = promisify(execFile);

interface Result {
  words: string;
  picture: Buffer;
}

let home: ServiceHome;
let service: RunningService;
let folder: string;
let expected: Result;
let missing: string | undefined;

const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());
const pictureOf = async (id: string): Promise<Buffer> => bytesOf(await fetch(`${service.url}/jobs/${id}/artifacts/${PICTURE}`));
const postJson = async (path: string, body: object): Promise<unknown> =>
  (
    await fetch(`${service.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  ).json();

async function byTypeScript(): Promise<Result> {
  const client = createClient({ url: service.url });
  const { job, stdout } = await client.run({ code: PROGRAM });
  return { words: stdout, picture: await bytesOf(await client.artifact(job.id, PICTURE)) };
}

beforeAll(async () => {
  home = await serviceHome();
  service = await home.start({ JOB_DATA_DIR: dataDir, RUNTIME_PACKAGES: 'prepare' });
  folder = await mkdtemp(join(tmpdir(), 'every-way-'));
  await mkdir(join(folder, 'results'));
  await writeFile(join(folder, 'main.py'), PROGRAM);
  const client = createClient({ url: service.url });
  await vi.waitUntil(async () => (await client.runtimes())[0]?.state !== 'preparing', { timeout: 590_000, interval: 500 });
  const { matplotlib, pandas } = (await client.runtimes())[0]?.packages ?? {};
  if (matplotlib === undefined || pandas === undefined) missing = `the default runtime has no pandas and matplotlib:\n${service.said()}`;
  else expected = await byTypeScript();
}, 600_000);
afterAll(async () => {
  await home?.close();
  await rm(dataDir, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
});
beforeEach((context) => {
  if (missing === undefined) return;
  if (process.env['CI'] !== undefined) throw new Error(missing);
  context.skip(missing);
});

describe('a program with pandas and matplotlib gives the same', () => {
  it('by the TypeScript client', () => {
    expect(expected.words).toBe(WORDS);
    expect(expected.picture.subarray(1, 4).toString()).toBe('PNG');
    expect(expected.picture.length).toBeGreaterThan(5000);
  });

  it('by curl', async () => {
    const form = ['-F', 'spec={}', '-F', `code_files=@${join(folder, 'main.py')}`];
    const { stdout } = await execute('curl', ['-sS', ...form, `${service.url}/jobs?wait=60`]);
    const { job_id: id, logs } = JSON.parse(stdout) as { job_id: string; logs: string };
    const words = logs.replaceAll(/^\[runner\] .*\n/gm, '');
    const downloaded = join(folder, 'by-curl.png');
    await execute('curl', ['-sS', '-o', downloaded, `${service.url}/jobs/${id}/artifacts/${PICTURE}`]);
    expect({ words, picture: await readFile(downloaded) }).toEqual(expected);
  });

  it('by the command line', async () => {
    const cli = commandLine(folder, { JOB_RUNNER_URL: service.url });
    const { code, stdout } = await cli.run(['run', 'main.py', '--out', 'results']);
    expect(code).toBe(0);
    expect({ words: stdout, picture: await readFile(join(folder, 'results', PICTURE)) }).toEqual(expected);
  });

  it('by the Python client', async () => {
    const script = `import pathlib, sys
from job_runner import Client
client = Client(sys.argv[1])
result = client.run(pathlib.Path("main.py").read_text())
client.save_artifacts(result.job.id, "by-python")
print(result.stdout, end="")`;
    const { stdout } = await execute('python3', ['-c', script, service.url], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        PYTHONPATH: join(import.meta.dirname, '../../clients/python/src'),
        PYTHONDONTWRITEBYTECODE: '1',
      },
    });
    expect({ words: stdout, picture: await readFile(join(folder, 'by-python', PICTURE)) }).toEqual(expected);
  });

  it('by an MCP client', async () => {
    const client = new Client({ name: 'test', version: '1.0.0' });
    await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', service.url)));
    const { content } = await client.callTool({ name: 'run_python', arguments: { code: PROGRAM } });
    await client.close();
    const text = content.find((block) => block.type === 'text')?.text;
    const image = content.find((block) => block.type === 'image')?.data ?? '';
    expect(text).toContain(WORDS);
    expect(Buffer.from(image, 'base64')).toEqual(expected.picture);
  });

  it('by a request of Piston’s', async () => {
    const request = { language: 'python', version: '*', run_timeout: 60_000, files: [{ name: 'main.py', content: PROGRAM }] };
    const { run } = (await postJson('/api/v2/execute', request)) as { run: { stdout: string; code: number } };
    expect(run.code).toBe(0);
    // Piston hands out no files; the job has them all the same.
    const [job] = (await createClient({ url: service.url }).list({ limit: 1 })).jobs;
    expect({ words: run.stdout, picture: await pictureOf(job?.id ?? '') }).toEqual(expected);
  });

  it('by a request of LibreChat’s', async () => {
    interface Executed {
      session_id: string;
      stdout: string;
      files: { id: string; name: string }[];
    }
    const { session_id: session, stdout, files } = (await postJson('/v1/exec', { lang: 'py', code: PROGRAM })) as Executed;
    const id = files.find(({ name }) => name === PICTURE)?.id;
    const picture = await bytesOf(await fetch(`${service.url}/v1/download/${session}/${id}`));
    expect({ words: stdout, picture }).toEqual(expected);
  });

  it.skipIf(!hasBrowser)('on the console', async () => {
    const browser = await launchBrowser();
    try {
      const { page, problems } = await openPage(browser, service.url);
      await runOnPage(page, PROGRAM);
      await ended(page, 'succeeded');
      await sees(page, WORDS.trim());
      const plot = page.locator('.image-button img');
      await plot.waitFor();
      await page.waitForFunction(() => (document.querySelector<HTMLImageElement>('.image-button img')?.naturalWidth ?? 0) > 300);
      const [, id = ''] = /#\/jobs\/(\w+)$/.exec(page.url()) ?? [];
      expect(await pictureOf(id)).toEqual(expected.picture);
      expect(problems).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
