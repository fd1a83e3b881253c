import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serviceHome } from '../support/service.ts';
import { tenantFile, type Tenant } from '../support/tenants.ts';
import { figure } from './figure.ts';
import { judge } from './flatness.ts';
import { keptTooLong, type Kept } from './kept.ts';
import { LINES } from './lines.ts';
import { createObserver, type Census, type Observer, type Sample } from './samples.ts';
import { startTraffic } from './traffic.ts';

/**
 * `npm run soak [-- MINUTES] [--seed N] [--save]`: a whole service for so long under good jobs and hostile ones of many owners, with viewers
 * that come and go. What it has of the machine is counted all the while. Exit code 1 when any of it grows, when anything is left at
 * rest, or when anybody was served wrongly. `--save` draws docs/images/soak.svg.
 */

const words = process.argv.slice(2);
const minutes = Number(words.find((word, index) => /^\d/.test(word) && words[index - 1] !== '--seed') ?? 30);
const seed = words.includes('--seed') ? Number(words[words.indexOf('--seed') + 1]) : 1;
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const FIRST_UID = 9_000_000;
const METRICS_TOKEN = 'for-the-soak-alone';
/** So many samples of a soak at most, and no more than two a minute. */
const SAMPLES = 60;
const HALF_A_MINUTE_MS = 30_000;
/** Jobs that nobody deletes go after so much of the soak, at least a minute … */
const KEPT_SHARE = 0.1;
/** … and what is over is looked for every minute, which takes a moment. */
const LOOKED_FOR_MINUTES = 1.5;
/** Before that, memory is still on its way to where it stays: a short soak looks for wrong answers and for what is left, and judges no line. */
const JUDGED_FROM_MINUTES = 10;
/** More than there are clients. */
const UNDER_WAY = 16;
/** A pool that grew with what was asked of it gives one sandbox back each half minute. */
const REST_MS = 5 * 60_000;
const SAME_LOOKS = 5;
/** Of the service's connections to those who have just left. */
const DESCRIPTORS_PLAY = 2;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function removeAll(url: string, tenants: readonly Tenant[]): Promise<void> {
  for (const tenant of tenants) {
    for (;;) {
      const { jobs } = (await (await tenant.fetch(`${url}/jobs?limit=200`)).json()) as { jobs: { id: string }[] };
      if (jobs.length === 0) break;
      for (const { id } of jobs) await (await tenant.fetch(`${url}/jobs/${id}`, { method: 'DELETE' })).text();
    }
  }
}

/** Comes to rest when looks one after the other find the same, and no more than `most` if that is given. Resolves with the last look. */
async function atRest(observer: Observer, most?: Census): Promise<Census> {
  const until = performance.now() + REST_MS;
  let last = await observer.census();
  for (let same = 0; performance.now() < until;) {
    await pause(1000);
    const now = await observer.census();
    same = JSON.stringify({ ...now, diskMiB: 0 }) === JSON.stringify({ ...last, diskMiB: 0 }) ? same + 1 : 0;
    last = now;
    if (same >= SAME_LOOKS && (most === undefined || leftAtRest(most, now).length === 0)) break;
  }
  return last;
}

/** The database's file shrinks in its own time, so that the disk is judged by its line. */
const leftAtRest = (before: Census, after: Census): string[] =>
  (Object.keys(before) as (keyof Census)[])
    .filter((key) => key !== 'diskMiB' && after[key] > before[key] + (key === 'descriptors' ? DESCRIPTORS_PLAY : 0))
    .map((key) => `at rest there are ${after[key]} ${key} instead of ${before[key]}`);

const keptMinutes = Math.max(1, minutes * KEPT_SHARE);

const short = (sample: Sample): string =>
  `${sample.minute.toFixed(1).padStart(6)} min: ${sample.rssMiB.toFixed(0)} MiB (heap ${sample.heapMiB.toFixed(0)}), ${sample.descriptors} descriptors, ${sample.processes} processes, ${sample.namespaces} namespaces, ${sample.mounts} mounts, ${sample.cgroups} cgroups, ${sample.folders} folders, ${sample.diskMiB.toFixed(1)} MiB on disk, ${sample.rows} jobs`;

async function main(): Promise<void> {
  const home = await serviceHome();
  const keys = await tenantFile();
  const problems: string[] = [];
  let lastWords = (): string => '';
  try {
    const good: Tenant[] = [];
    for (const name of ['alice', 'bob', 'carol', 'dave', 'frank', 'grace']) good.push(await keys.add(name, { jobs_per_minute: 0 }));
    good.push(await keys.add('bounded', { jobs_per_minute: 10 }));
    const hostile = [await keys.add('mallory', { jobs_per_minute: 0, max_running: 1 }), await keys.add('eve', { jobs_per_minute: 0 })];
    const service = await home.start({
      API_KEYS_FILE: keys.path,
      METRICS_TOKEN,
      SANDBOX_UID: String(FIRST_UID),
      CONCURRENCY: '4',
      WARM_POOL: '2',
      WARM_POOL_MAX: '4',
      WARM_RECYCLE_JOBS: '100',
      RETENTION_HOURS: String(keptMinutes / 60),
    });
    lastWords = service.said;
    const metrics = async (): Promise<string> =>
      (await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } })).text();
    const observer = createObserver(service, FIRST_UID, metrics);

    // Once, so that what is made at a first use is there.
    const first = await startTraffic(service.url, { good, hostile: [] }, seed);
    await pause(3000);
    await first.stop();
    await removeAll(service.url, [...good, ...hostile]);
    const before = await atRest(observer);
    say(`${minutes} minutes with the seed ${seed}; at rest ${JSON.stringify(before)}`);

    const everyMs = Math.min(HALF_A_MINUTE_MS, Math.max(500, (minutes * 60_000) / SAMPLES));
    const samples: Sample[] = [];
    const traffic = await startTraffic(service.url, { good, hostile }, seed);
    const start = performance.now();
    const kept: Kept[] = [];
    let shown = 0;
    while (performance.now() - start < minutes * 60_000) {
      const sample = await observer.sample(everyMs);
      sample.minute = (performance.now() - start) / 60_000;
      samples.push(sample);
      kept.push({ ...sample, done: traffic.count() });
      say(`${short(sample)}; ${traffic.count()} jobs done`);
      for (; shown < traffic.wrong.length; shown += 1) say(`  WRONG: ${traffic.wrong[shown]}`);
    }
    problems.push(...(await traffic.stop()).map((what) => `an attack reached this host: ${what}`), ...traffic.wrong);
    await removeAll(service.url, [...good, ...hostile]);
    const after = await atRest(observer, before);

    problems.push(...leftAtRest(before, after));
    const judged = LINES.map((line) => ({
      ...line,
      points: samples.map((sample) => ({ minute: sample.minute, value: sample[line.key] })),
    }));
    const tooLong = keptTooLong(kept, keptMinutes + LOOKED_FOR_MINUTES, UNDER_WAY);
    if (tooLong > 0) problems.push(`${tooLong} jobs were kept for longer than ${keptMinutes} minutes`);
    for (const { title, unit, points, allowance } of judged) {
      if (allowance === undefined) continue;
      const { median, rise, allowed, isFlat } = judge(points, allowance);
      const told = `${title}: median ${median.toFixed(1)} ${unit}, rise over the last two thirds ${rise.toFixed(1)}, allowed ${allowed.toFixed(1)}`;
      say(told);
      if (!isFlat && minutes >= JUDGED_FROM_MINUTES) problems.push(`not flat: ${told}`);
    }
    const errors = service
      .said()
      .split('\n')
      .filter((line) => /"level":(50|60)/.test(line));
    problems.push(...errors.slice(0, 10).map((line) => `the service's log: ${line}`));
    const done = [...traffic.done].map(([name, count]) => `${count} ${name}`).join(', ');
    say(`${done}; ${traffic.refused()} refused; at rest ${JSON.stringify(after)}`);
    if (words.includes('--save')) {
      const caption = `npm run soak -- ${minutes}, seed ${seed}: ${traffic.count()} jobs, ${traffic.done.get('attacks') ?? 0} of them attacks, ${new Date().toISOString().slice(0, 10)}. Dashed: the line that is judged, from the second third on.`;
      await writeFile(join(import.meta.dirname, '../../docs/images/soak.svg'), figure(judged, caption));
    }
    await service.kill('SIGTERM');
    for (const [what, count] of Object.entries(await observer.leftBehind()))
      if (count > 0) problems.push(`a service that has stopped leaves ${count} ${what}`);
  } catch (error) {
    problems.push(String(error instanceof Error ? error.stack : error), `the service's last words:\n${lastWords().slice(-4000)}`);
  } finally {
    await home.close();
    await keys.remove();
  }
  for (const problem of problems.slice(0, 50)) say(`NOT as it must be: ${problem}`);
  say(problems.length === 0 ? 'flat, and everybody was served rightly' : `${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

await main();
