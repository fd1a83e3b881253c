import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NODE_FLAGS } from '../src/node-flags.ts';

const ROOT = join(import.meta.dirname, '..');

/** A service of the bench's own, on an empty data folder but with the environments that `npm start` has made. */
export async function startService(variables: Record<string, string> = {}): Promise<{ url: string; pid: number; stop(): Promise<void> }> {
  // Beside the data of `npm start`, whose environments it shares.
  await mkdir(join(ROOT, 'data'), { recursive: true });
  const dir = await mkdtemp(join(ROOT, 'data/bench-'));
  const child = spawn(process.execPath, [...NODE_FLAGS, join(ROOT, 'dist/main.js')], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', JOB_DATA_DIR: dir, LOG_LEVEL: 'error', ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (part: Buffer) => {
      said += part.toString();
      const match = /listens on (http:\S+)/.exec(said);
      if (match?.[1] !== undefined) resolve(match[1]);
    });
    void gone.then(() => reject(new Error(`the service did not start: ${said}`)));
  });
  // The default runtime's packages are a part of what is measured.
  process.stderr.write('waiting until the default runtime is ready …\n');
  for (;;) {
    const { runtimes } = (await (await fetch(`${url}/runtimes`)).json()) as { runtimes: { default: boolean; state: string }[] };
    if (runtimes.find((runtime) => runtime.default)?.state === 'ready') break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return {
    url,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      await gone;
      await rm(dir, { recursive: true, force: true });
    },
  };
}
