import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    sharedServices: string;
  }
}

function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Gives a run the folder for its shared services (shared-services.ts), and ends with it what was started there. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), 'job-runner-services-'));
  project.provide('sharedServices', dir);
  return async () => {
    const files = (await readdir(dir, { recursive: true })).filter((path) => path.endsWith('.own-pid'));
    const pids = await Promise.all(files.map(async (path) => Number(await readFile(join(dir, path), 'utf8'))));
    for (const pid of pids) kill(pid, 'SIGKILL');
    while (pids.some((pid) => kill(pid, 0))) await delay(20);
    await rm(dir, { recursive: true, force: true });
  };
}
