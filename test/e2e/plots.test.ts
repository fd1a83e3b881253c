import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { formOf } from '../support/app.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

/** Beside the runtimes that `npm start` has prepared in this checkout, or prepares them. */
const dataDir = join(import.meta.dirname, '../../data', `plots-${process.pid}`);

let home: ServiceHome;
let service: RunningService;
/** Why there is no matplotlib to be had here. */
let missing: string | undefined;
beforeAll(async () => {
  home = await serviceHome();
  service = await home.start({ JOB_DATA_DIR: dataDir, RUNTIME_PACKAGES: 'prepare' });
  interface Listed {
    state: string;
    packages: Record<string, string>;
  }
  const runtime = async (): Promise<Listed | undefined> =>
    ((await (await fetch(`${service.url}/runtimes`)).json()) as { runtimes: Listed[] }).runtimes[0];
  await vi.waitUntil(async () => (await runtime())?.state === 'ready', { timeout: 590_000, interval: 500 });
  if ((await runtime())?.packages['matplotlib'] === undefined) missing = `the default runtime has no matplotlib:\n${service.said()}`;
}, 600_000);
afterAll(async () => {
  await home.close();
  await rm(dataDir, { recursive: true, force: true });
});
beforeEach((context) => {
  if (missing === undefined) return;
  if (process.env['CI'] !== undefined) throw new Error(missing);
  context.skip(missing);
});

const PYPLOT = 'import matplotlib.pyplot as plt\n';

interface Ran {
  exit: number | null;
  logs: string;
  /** Sizes by name. */
  files: Record<string, number>;
}

async function run(program: string, spec: object = {}): Promise<Ran> {
  const response = await fetch(`${service.url}/jobs?wait=60`, {
    method: 'POST',
    body: formOf({ spec: { workspace: 'writable', ...spec }, code: { 'main.py': PYPLOT + program } }),
  });
  const { job, logs, artifacts } = (await response.json()) as {
    job: { exit_code: number | null };
    logs: string;
    artifacts: { name: string; size: number; content_type: string }[];
  };
  expect(artifacts.filter(({ content_type }) => content_type !== 'image/png')).toEqual([]);
  return { exit: job.exit_code, logs, files: Object.fromEntries(artifacts.map(({ name, size }) => [name, size])) };
}

const post = async (path: string, body: object): Promise<unknown> =>
  (
    await fetch(`${service.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  ).json();

describe('plots without a file', () => {
  it('keeps what is shown, one picture each time, and what is open at the end', async () => {
    const { exit, files } = await run('plt.plot([1, 2]); plt.show()\nplt.bar([1], [2]); plt.show()\nplt.figure().text(0.1, 0.1, "open")');
    expect(exit).toBe(0);
    expect(Object.keys(files)).toEqual(['figure-1.png', 'figure-2.png', 'figure-3.png']);
    expect(files['figure-1.png']).not.toBe(files['figure-2.png']);
  });

  it('keeps no second copy of what a program has saved itself, and nothing empty', async () => {
    const { files } = await run('plt.plot([1, 2]); plt.savefig("own.png"); plt.show()\nplt.figure()');
    expect(Object.keys(files)).toEqual(['own.png']);
  });

  it('saves what was shown for a program that saves only then', async () => {
    const { files } = await run('plt.plot([1, 2]); plt.show(); plt.savefig("own.png")');
    expect(Object.keys(files)).toEqual(['figure-1.png', 'own.png']);
    expect(files['own.png']).toBe(files['figure-1.png']);
  });

  it('takes no name that the program has given away', async () => {
    const { files } = await run('open("figure-1.png", "wb").write(b"own")\nplt.plot([1, 2])');
    expect(files).toEqual({ 'figure-1.png': 3, 'figure-2.png': expect.any(Number) as number });
  });

  it('keeps the plots of a program that fails, which fails as ever', async () => {
    const { exit, logs, files } = await run('plt.plot([1, 2]); 1/0');
    expect(exit).toBe(1);
    expect(logs).toContain('ZeroDivisionError');
    expect(Object.keys(files)).toEqual(['figure-1.png']);
  });

  it('keeps them once, however many children the program has', async () => {
    const { files } = await run('import os, sys\nplt.plot([1, 2])\nif os.fork() == 0: sys.exit(0)\nos.wait()');
    expect(Object.keys(files)).toEqual(['figure-1.png']);
  });

  it.each([
    ['has no output folder', 'import os; del os.environ["JOB_OUTPUT_DIR"]; os.chdir("/tmp")\n'],
    ['may not write files of that size', 'import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n'],
    ['has removed the folder that it is in', 'import os; os.mkdir("/tmp/x"); os.chdir("/tmp/x"); os.rmdir("/tmp/x")\n'],
  ])('never makes a program fail that %s', async (_what, before) => {
    const { exit, logs } = await run(`${before}plt.plot(range(3)); plt.show()\nplt.plot([1]); plt.savefig("/dev/null", format="png")`);
    expect(logs).not.toContain('Error');
    expect(exit).toBe(0);
  });

  it('leaves no half of a picture', async () => {
    const { files } = await run('import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\nplt.plot([1]); plt.show()');
    expect(files).toEqual({});
  });

  it('keeps nothing when the job names a backend of its own', async () => {
    expect((await run('plt.plot([1, 2]); plt.show()', { env: { MPLBACKEND: 'Agg' } })).files).toEqual({});
    expect((await run('plt.switch_backend("agg"); plt.plot([1, 2])')).files).toEqual({});
  });

  it('gives them to whoever asks, in whatever way', async () => {
    const code = `${PYPLOT}import pandas as pd\npd.DataFrame({"a": [1, 3, 2]}).plot()\nplt.show()`;
    const { session_id, files } = (await post('/v1/exec', { lang: 'py', code })) as {
      session_id: string;
      files: { id: string; name: string }[];
    };
    expect(files.map(({ name }) => name)).toEqual(['figure-1.png']);
    const download = await fetch(`${service.url}/v1/download/${session_id}/${files[0]?.id}`);
    const png = Buffer.from(await download.arrayBuffer());
    expect(png.subarray(1, 4).toString()).toBe('PNG');

    const { run: piston } = (await post('/api/v2/execute', {
      language: 'python',
      version: '*',
      run_timeout: 30_000,
      files: [{ content: code }],
    })) as {
      run: { code: number };
    };
    expect(piston.code).toBe(0);

    const mcp = await fetch(`${service.url}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'run_python', arguments: { code } } }),
    });
    expect(await mcp.text()).toContain(png.toString('base64'));
  });
});
