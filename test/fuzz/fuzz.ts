import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { serviceHome, type RunningService } from '../support/service.ts';
import { tenantFile } from '../support/tenants.ts';
import { barrage } from './barrage.ts';
import { readApi } from './openapi.ts';
import { startSession } from './session.ts';

/** `npm run fuzz -- 20000 [--seed N]`: the long run, against the whole service in a process of its own, whose jobs really run. */

const { values, positionals } = parseArgs({ options: { seed: { type: 'string' } }, allowPositionals: true });
const requests = Number(positionals[0] ?? 20_000);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
/** Before anything is measured: what is made at first use is made then. */
const WARM_UP = 2000;
/** What memory may grow by from the first quarter of a run to its end. */
const MAX_GROWTH_MIB = 64;
/** Warm sandboxes and connections that are kept come and go with the load. One lost in a thousand requests would be more. */
const DESCRIPTORS_PLAY = 16;
const SETTLE_TRIES = 200;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

const descriptorsOf = async ({ pid }: RunningService): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;
const memoryOf = async ({ pid }: RunningService): Promise<number> =>
  Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
/** Files and folders of jobs; what is being removed goes a moment later. */
const filesOf = async ({ dataDir }: RunningService): Promise<string[]> => {
  const entries = await readdir(join(dataDir, 'files'), { recursive: true }).catch(() => ['one that goes']);
  return entries.filter((entry) => !['staging', 'keeping'].includes(entry));
};

async function settled(what: string, isSettled: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < SETTLE_TRIES; tries += 1) {
    if (await isSettled()) return;
    await pause();
  }
  throw new Error(`a leak: ${what}`);
}

async function main(): Promise<void> {
  const home = await serviceHome();
  const tenants = await tenantFile();
  let said = (): string => '';
  try {
    const unbounded = { jobs_per_minute: 0, max_queued: 0, stored_mb: 0, upload_mb_per_minute: 0, max_viewers: 0 };
    const [alice, bob] = [await tenants.add('alice', unbounded), await tenants.add('bob', unbounded)];
    const service = await home.start({
      API_KEYS_FILE: tenants.path,
      MAX_WAIT_SEC: '1',
      MAX_TIMEOUT_SEC: '5',
      MAX_UPLOAD_MB: '1',
      BODY_IDLE_TIMEOUT_MS: '2000',
      HEADERS_TIMEOUT_MS: '4000',
    });
    const api = await readApi(service.url);
    said = service.said;
    const session = startSession(service.url, api, { alice, bob });
    say(`${requests} requests with the seed ${seed}`);
    await barrage(session, api, { requests: WARM_UP, seed: seed + 1, shrinks: false });
    await session.cleanUp();
    const before = { descriptors: await descriptorsOf(service), memory: 0 };
    const began = performance.now();
    const onVolley = async (fired: number): Promise<void> => {
      if (before.memory === 0 && fired >= requests / 4) before.memory = await memoryOf(service);
      if (fired % 2000 === 0) say(`  ${fired}: ${Math.round(await memoryOf(service))} MiB, ${await descriptorsOf(service)} descriptors`);
    };
    await barrage(session, api, { requests, seed, shrinks: false, onVolley });
    const seconds = (performance.now() - began) / 1000;
    await session.cleanUp();

    await settled('descriptors', async () => (await descriptorsOf(service)) <= before.descriptors + DESCRIPTORS_PLAY);
    await settled(`files: ${(await filesOf(service)).join(', ')}`, async () => (await filesOf(service)).length === 0);
    const memory = await memoryOf(service);
    if (memory - before.memory > MAX_GROWTH_MIB) throw new Error(`a leak: from ${before.memory} to ${memory} MiB`);
    const statuses = [...session.statuses]
      .toSorted(([a], [b]) => a - b)
      .map(([status, count]) => `${status === 0 ? 'none' : status}: ${count}`);
    say(`answers by status: ${statuses.join(', ')}`);
    say(
      `memory from ${Math.round(before.memory)} to ${Math.round(memory)} MiB, descriptors from ${before.descriptors} to ${await descriptorsOf(service)}, no files left`,
    );
    say(`${requests} requests in ${Math.round(seconds)} s: all answered as described`);
    const troubles = service
      .said()
      .split('\n')
      .filter((line) => /"level":(50|60)/.test(line));
    if (troubles.length > 0) throw new Error(`the service's log has errors:\n${troubles.slice(0, 10).join('\n')}`);
    await service.kill('SIGTERM');
  } catch (error) {
    say(`the service's last words:\n${said().slice(-4000)}`);
    throw error;
  } finally {
    await home.close();
    await tenants.remove();
  }
}

await main();
