import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errnoOf } from '../../src/errors.ts';
import { jobOf, submit } from '../support/app.ts';
import { limitDescriptors, readStream, serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

/** What the machine does to the service, and what docs/reliability.md promises for it. */

let home: ServiceHome;
beforeEach(async () => {
  home = await serviceHome();
});
afterEach(() => home.close());

async function run(
  service: RunningService,
  program: string,
  spec: object = {},
): Promise<{ job: Record<string, unknown>; lines: string[] }> {
  const id = await submit(service.url, { spec, code: { 'main.py': program } });
  const lines = (await readStream(`${service.url}/jobs/${id}/logs/stream`)).map((event) => event.data);
  return { job: (await jobOf(service.url, id)).job, lines };
}

const works = async (service: RunningService): Promise<void> => {
  const { job, lines } = await run(service, 'print("works")');
  expect(lines).toContain('works');
  expect(job).toMatchObject({ status: 'succeeded' });
};

/** Processes of this machine whose command line matches, below the service. */
function processesOf(service: RunningService, pattern: RegExp): number[] {
  const found: number[] = [];
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      parents.set(Number(name), Number(/^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]));
      if (pattern.test(readFileSync(`/proc/${name}/cmdline`, 'latin1'))) found.push(Number(name));
    } catch {
      // Gone meanwhile.
    }
  }
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && parent > 1 && (parent === service.pid || isBelow(parent));
  };
  return found.filter(isBelow);
}

/** Some die of the others' deaths. */
function killAll(service: RunningService, pattern: RegExp): void {
  for (const pid of processesOf(service, pattern)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error;
    }
  }
}

describe('a service without descriptors', () => {
  it('goes on when there are some again; what a program did and said meanwhile is not lost', async () => {
    const service = await home.start();
    const id = await submit(service.url, {
      code: {
        'main.py': 'import time; print("up", flush=True); time.sleep(1); open("/workspace/output/f", "w").write("made"); print("ended")',
      },
    });
    let isReached = false;
    let wasReached: boolean | undefined;
    let givenBack: Promise<void> | undefined;
    const giveBackAfterItsEnd = async (): Promise<void> => {
      try {
        await expect.poll(() => processesOf(service, /main\.py/)).toEqual([]);
      } finally {
        limitDescriptors(service, 4096);
      }
    };
    const events = await readStream(`${service.url}/jobs/${id}/logs/stream`, ({ data }) => {
      if (data === 'up') {
        limitDescriptors(service, 1);
        // Over a connection of its own.
        get(`${service.url}/healthz`, { agent: false }, (answer) => (isReached = answer.resume().statusCode === 200)).on(
          'error',
          () => undefined,
        );
      } else if (data === 'ended') {
        wasReached = isReached;
        givenBack = giveBackAfterItsEnd();
      }
    });
    await givenBack;
    expect(events.map(({ data }) => data).slice(1)).toEqual(['up', 'ended', '[runner] finished with code 0', 'complete']);
    expect(wasReached).toBe(false);
    expect((await jobOf(service.url, id)).job).toMatchObject({ status: 'succeeded', artifacts: ['f'] });
    await works(service);
  });
});

describe.skipIf(process.getuid?.() !== 0)('a sandbox that is taken apart', () => {
  it('costs the job whose sandbox it was an honest end, and no other job anything', async () => {
    const service = await home.start({ WARM_STARTS: '0' });
    const id = await submit(service.url, { code: { 'main.py': 'import time\nprint("up", flush=True)\ntime.sleep(30)' } });
    const events = await readStream(`${service.url}/jobs/${id}/logs/stream`, (event) => {
      if (event.data !== 'up') return;
      killAll(service, /bwrap/);
    });
    expect(events.at(-1)?.event).toBe('end');
    expect((await jobOf(service.url, id)).job).toMatchObject({ status: 'failed' });
    await works(service);
  });

  it('costs nobody anything when it is the fork server', async () => {
    const service = await home.start();
    await expect.poll(() => processesOf(service, /agent\/server\.py/).length).toBeGreaterThan(0);
    killAll(service, /agent\/server\.py/);
    await works(service);
  });

  it('has its control groups made anew, or the job says that it could not be limited', async () => {
    const service = await home.start({ WARM_STARTS: '0' });
    await works(service);
    killAll(service, /sandbox-launch/);
    removeGroups(instanceOf(home.dir));
    const { job, lines } = await run(service, 'x = bytearray(300_000_000); print("unlimited")', { mem_limit_mb: 64 });
    expect(lines).not.toContain('unlimited');
    expect(job).toMatchObject({ status: 'failed' });
    await expect.poll(async () => (await run(service, 'print("works")')).job['status']).toBe('succeeded');
  });
});

/** Takes the service's groups away, as an administrator's script might. */
function removeGroups(instance: string): void {
  const found = execFileSync('find', ['/sys/fs/cgroup', '-depth', '-type', 'd', '-path', `*${instance}*`], { encoding: 'utf8' });
  for (const path of found.split('\n').filter(Boolean)) {
    try {
      rmdirSync(path);
    } catch {
      // Somebody is in there, or it is gone by now.
    }
  }
}

function instanceOf(dir: string): string {
  return execFileSync('sh', ['-c', 'printf %s "$1" | sha256sum | cut -c1-12', 'sh', join(dir, 'jobs')], { encoding: 'utf8' }).trim();
}

describe.skipIf(process.getuid?.() !== 0)('a full disk below', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'faults-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', folder]);
  });
  afterEach(() => {
    execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true });
  });

  it('the sandbox: jobs fail and say so, and run again when there is room', async () => {
    mkdirSync(join(folder, 'tmp'));
    const service = await home.start({ TMPDIR: join(folder, 'tmp'), WARM_STARTS: '0' });
    await works(service);
    fill(folder);
    const { job } = await run(service, 'print("hello")');
    expect(['succeeded', 'failed']).toContain(job['status']);
    rmSync(join(folder, 'fill'));
    await works(service);
  });

  it('the log: what could be written stays, the job ends, and the service goes on', async () => {
    const service = await home.start({ JOB_DATA_DIR: join(folder, 'jobs'), LEASE_MS: '1000' });
    const id = await submit(service.url, {
      code: { 'main.py': 'for i in range(20_000): print(i, "x" * 1000)' },
      spec: { output_limit_mb: 200 },
    });
    await expect
      .poll(
        async () =>
          (await fetch(`${service.url}/jobs/${id}`).then((answer) => answer.json() as Promise<{ job: { status: string } }>)).job.status,
        { timeout: 40_000 },
      )
      .toBe('failed');
    const log = await (await fetch(`${service.url}/jobs/${id}/logs`)).text();
    expect(log).toContain('0 xxx');
    expect((await fetch(`${service.url}/jobs/${id}`, { method: 'DELETE' })).status).toBeLessThan(300);
    execFileSync('mount', ['-o', 'remount,size=32m', folder]);
    await works(service);
  });
});

/** Takes all the room that there is. */
function fill(folder: string): void {
  const block = Buffer.alloc(1 << 20);
  for (const size of [1 << 20, 4096]) {
    try {
      for (;;) writeFileSync(join(folder, 'fill'), block.subarray(0, size), { flag: 'a' });
    } catch {
      // Full.
    }
  }
}
