import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { processesWith } from '../support/processes.ts';
import { followAll } from '../support/service.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { examineJob, insist, submitSurely, viewOf, type Accepted } from './jobs.ts';
import { createRandom, type Random } from './random.ts';

export interface FaultPlan {
  seed: number;
  workers: number;
  jobs: number;
  /** How many things go wrong. */
  faults: number;
  leaseMs: number;
  cutMs: number;
  /** Between one fault and the next, at most. */
  everyMs: number;
  variables: Record<string, string>;
  say: (line: string) => void;
}

export interface FaultReport {
  seed: number;
  done: Record<string, number>;
  jobs: number;
  succeeded: number;
  /** How many jobs needed how many attempts. */
  attempts: Record<number, number>;
  seconds: number;
  /** Everything that must not be; empty: all is well. */
  wrong: string[];
}

type Fault = [name: string, weight: number, happen: (cluster: Cluster, random: Random, plan: FaultPlan) => Promise<void>];

const anyWorker = (cluster: Cluster, random: Random): number => random.between(0, cluster.workers - 1);

const FAULTS: readonly Fault[] = [
  ['kill -9 of a worker', 4, (cluster, random) => cluster.killWorker(anyWorker(cluster, random))],
  ['SIGTERM and restart of a worker', 4, (cluster, random) => cluster.drainWorker(anyWorker(cluster, random))],
  ['kill -9 of the API', 2, (cluster) => cluster.killApi()],
  ['kill -9 of Redis', 2, (cluster, random) => cluster.killRedis(random.between(0, 2000))],
  ['a worker cut off', 2, (cluster, random, { cutMs }) => cluster.cutWorker(anyWorker(cluster, random), cutMs)],
  ['the API cut off', 1, (cluster, _random, { cutMs }) => cluster.cutApi(cutMs)],
];
const WEIGHTED = FAULTS.flatMap((fault) => Array.from({ length: fault[1] }, () => fault));

/** Each kind once, then at random; the same for the same seed. */
function planned(random: Random, count: number): Fault[] {
  const first = FAULTS.map((fault) => ({ fault, order: random.next() })).toSorted((a, b) => a.order - b.order);
  return Array.from({ length: count }, (_, index) => first[index]?.fault ?? random.pick(WEIGHTED));
}

const VIEWERS = 5;
const AT_ONCE = 8;

async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = items.map((item, index) => ({ item, index }));
  const hand = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) results[next.index] = await work(next.item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, hand));
  return results;
}

/** Lets a cluster work while things go wrong, and looks at what is left. */
export async function runFaults(plan: FaultPlan): Promise<FaultReport> {
  const { seed, say } = plan;
  const random = createRandom(seed);
  const run = `faults-${seed}-${randomUUID().slice(0, 8)}`;
  const startedAt = performance.now();
  const report: FaultReport = { seed, done: {}, jobs: 0, succeeded: 0, attempts: {}, seconds: 0, wrong: [] };
  const cluster = await startCluster(plan);
  const url = (): string => cluster.url();
  try {
    // Before that nobody knows what can run.
    while ((await insist(url, '/readyz')).status !== 200) await delay(200);
    const wishes = Array.from({ length: plan.jobs }, (_, number) => ({
      number,
      lines: random.between(5, 40),
      pause: random.between(0, 100) / 1000,
    }));
    const faults = planned(random, plan.faults);
    const pauses = faults.map(() => random.between(0, plan.everyMs));

    say(`${plan.jobs} jobs, ${plan.workers} workers, ${plan.faults} faults, seed ${seed}`);
    const submitting = inTurns(wishes, ({ number, lines, pause }) => submitSurely(url, run, number, lines, pause));
    const viewing = submitting.then((all) =>
      Promise.all(all.slice(0, VIEWERS).map(async (job) => ({ job, seen: await followAll(url, job.id) }))),
    );
    const going: Promise<void>[] = [];
    for (const [index, [name, , happen]] of faults.entries()) {
      await delay(pauses[index]);
      say(`  ${((performance.now() - startedAt) / 1000).toFixed(1)} s: ${name}`);
      report.done[name] = (report.done[name] ?? 0) + 1;
      going.push(happen(cluster, random, plan));
    }
    await Promise.all(going);
    const accepted = await submitting;
    say('all is mended; waiting for the jobs to end');
    await inTurns(accepted, async ({ id }) => {
      for (;;) {
        const view = await viewOf(url, id);
        if (view === undefined || view.job.finished_at !== null) return;
        await delay(300);
      }
    });
    await look(url, run, accepted, report);
    for (const { job, seen } of await viewing) {
      const text = await (await insist(url, `/jobs/${job.id}/logs`)).text();
      if (`${seen.join('\n')}\n` !== text) report.wrong.push(`a viewer of job ${job.number} did not see its log as it is`);
    }
    const codes = await cluster.stop();
    if (codes.length > 0) report.wrong.push(`processes ended with ${codes.join(', ')}`);
    report.wrong.push(...cluster.complaints());
    for (let tries = 0; tries < 20 && (await processesWith(run)).length > 0; tries += 1) await delay(100);
    for (const left of await processesWith(run)) report.wrong.push(`a process is left: ${left.slice(0, 200)}`);
  } finally {
    await cluster.close();
  }
  report.seconds = (performance.now() - startedAt) / 1000;
  return report;
}

async function look(url: () => string, run: string, accepted: readonly Accepted[], report: FaultReport): Promise<void> {
  report.jobs = accepted.length;
  const ended = await inTurns(accepted, (job) => examineJob(url, job));
  for (const [index, { status, attempt, wrong }] of ended.entries()) {
    if (status === 'succeeded') report.succeeded += 1;
    report.attempts[attempt] = (report.attempts[attempt] ?? 0) + 1;
    const job = accepted[index];
    report.wrong.push(...wrong.map((words) => `job ${job?.number} (${job?.id}): ${words}`));
  }
  const ids = new Set<string>();
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = await insist(url, `/jobs?limit=200&label=run=${run}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    const { jobs, next } = (await page.json()) as { jobs: { id: string }[]; next: string | null };
    for (const { id } of jobs) ids.add(id);
    cursor = next;
  }
  if (ids.size !== accepted.length) report.wrong.push(`${accepted.length} jobs were accepted, and there are ${ids.size}`);
}

/** The report as a table. */
export function tableOf(report: FaultReport): string {
  const rows: [string, string][] = [
    ...Object.entries(report.done).map(([name, count]): [string, string] => [name, String(count)]),
    ['jobs accepted', String(report.jobs)],
    ['jobs that succeeded', String(report.succeeded)],
    ...Object.entries(report.attempts).map(([attempts, count]): [string, string] => [
      `jobs with ${attempts} attempt${attempts === '1' ? '' : 's'}`,
      String(count),
    ]),
    ['seconds', report.seconds.toFixed(0)],
    ['what must not be', String(report.wrong.length)],
    ['seed', String(report.seed)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
