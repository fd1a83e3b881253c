import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { bareRuns, prepareBare } from './bare.ts';
import { connectViewers } from './idle-viewers.ts';
import { dockerStarts } from './docker-starts.ts';
import { flood } from './flood.ts';
import { latency, throughput } from './latency.ts';
import { idlePool } from './idle-pool.ts';
import { median, ms, percentile, ratio } from './figures.ts';
import { startService } from './service.ts';
import { underAttack } from './under-attack.ts';

/**
 * `npm run bench [-- BASE_URL]`: measures a running service, or one that it starts for the purpose. Beside every time stands what the
 * bare interpreter takes for the same program in the same run, for machines differ and are shared. `--save` writes
 * bench/RESULTS.md; `--quick` takes fewer runs; `--starts` leaves the streams out; `--docker` adds containers, on an engine that it
 * starts for the purpose (root, and an image to be built first); `--attack` only looks at what a good job takes beside hostile ones.
 */

const HELLO = 'print("hello")\n';
const PANDAS = `import pandas as pd
table = pd.DataFrame({"k": [i % 7 for i in range(1000)], "v": range(1000)})
print(table.groupby("k").v.sum().to_string())
`;

const arguments_ = process.argv.slice(2);
const quick = arguments_.includes('--quick');
const onlyAttack = arguments_.includes('--attack');
const given = arguments_.find((argument) => /^https?:/.test(argument));
const say = (text: string): boolean => process.stderr.write(`${text}\n`);

type Row = [what: string, figure: string, beside: string];
const rows: Row[] = [];

const service = given === undefined && !onlyAttack ? await startService() : undefined;
const base = (given ?? service?.url ?? '').replace(/\/$/, '');
try {
  if (!onlyAttack) await starts();
  if (!onlyAttack && !arguments_.includes('--starts')) await streams();
} finally {
  await service?.stop();
}
if (given === undefined && (onlyAttack || !arguments_.includes('--starts'))) await attacked();

async function starts(): Promise<void> {
  const bare = await prepareBare(base);
  const runs = quick ? 15 : 100;

  for (const [name, program] of [
    ['hello', HELLO],
    ['pandas', PANDAS],
  ] as const) {
    if (name === 'pandas' && !bare.hasPandas) {
      rows.push(['pandas', 'not measured: the default runtime has no pandas', '']);
      continue;
    }
    say(`${name}: ${runs} jobs one after the other, and as many bare runs between them …`);
    const [jobs, alone] = await interleaved(runs, program, bare);
    const [total, first] = [jobs.map((job) => job.endMs), jobs.map((job) => job.firstLineMs)];
    rows.push([
      `${name}: submit → end, median`,
      `${ms(median(total))} (p99 ${ms(percentile(total, 99))})`,
      `bare ${ms(median(alone))}: ${ratio(median(total), median(alone))}`,
    ]);
    rows.push([`${name}: submit → first line, median`, ms(median(first)), ratio(median(first), median(alone))]);
  }

  for (const [name, program, concurrency] of [
    ['hello', HELLO, 1],
    ['hello', HELLO, 2],
    ['hello', HELLO, 4],
    ['pandas', PANDAS, 2],
  ] as const) {
    if (name === 'pandas' && !bare.hasPandas) continue;
    say(`${name}: ${concurrency} at once …`);
    // A pool grows with what is asked of it.
    await throughput(base, program, concurrency, 10);
    const { perSecond, endMs } = await throughput(base, program, concurrency, quick ? 30 : 200);
    const [middle, slow] = [median(endMs), percentile(endMs, 99)];
    rows.push([
      `${name} jobs/s, ${concurrency} at once`,
      perSecond.toFixed(1),
      `median ${ms(middle)}, p99 ${ms(slow)}: ${ratio(slow, middle)}`,
    ]);
  }

  if (service !== undefined) {
    const { sandboxes, bytesEach, serverBytes } = idlePool(service.pid);
    const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
    if (sandboxes > 0)
      rows.push(['idle pool: each sandbox’s own memory', mib(bytesEach), `${sandboxes} wait; their fork servers ${mib(serverBytes)}`]);
  }
}
if (arguments_.includes('--docker') && !onlyAttack) {
  const { warm, cold } = await dockerStarts(HELLO, quick ? 5 : 30, say);
  const [fast, slow] = [median(warm), median(cold)];
  rows.push([
    'hello in a container that waits, submit → end, median',
    ms(fast),
    `created and started for it: ${ms(slow)}, ${(slow / fast).toFixed(1)}×`,
  ]);
}

/** A service of its own: with room for two good jobs beside all that are hostile. */
async function attacked(): Promise<void> {
  say('a good job beside hostile ones …');
  const target = await startService({ CONCURRENCY: '6' });
  try {
    const { attackers, quietMs, attackedMs, attacks } = await underAttack(target.url, quick ? 10 : 40);
    const [quietly, beside] = [median(quietMs), median(attackedMs)];
    rows.push([
      `hello beside a ${attackers.join(', a ')}, at a quarter of a processor each`,
      `${ms(beside)} (p95 ${ms(percentile(attackedMs, 95))})`,
      `quiet ${ms(quietly)} (p95 ${ms(percentile(quietMs, 95))}): ${ratio(beside, quietly)}; ${attacks} attacks`,
    ]);
  } finally {
    await target.stop();
  }
}

/** Logs as they come, and those who watch them. */
async function streams(): Promise<void> {
  const lines = quick ? 50_000 : 200_000;
  for (const viewers of [0, 1, 50]) {
    say(`${lines} lines with ${viewers} viewers …`);
    const result = await flood(base, lines, viewers, service?.pid);
    rows.push([
      `log lines/s, ${viewers} viewers${viewers === 50 ? ' (one never reads, ten reconnect)' : ''}`,
      Math.round(result.linesPerSecond).toLocaleString('en'),
      `lost or doubled: ${result.wrong}; status p95 ${ms(result.statusP95)}; bare into a pipe ${Math.round(result.barePerSecond).toLocaleString('en')}/s`,
    ]);
    if (result.peakBytes > 0) rows.push([`service's memory meanwhile, peak`, `${(result.peakBytes / 1024 ** 2).toFixed(0)} MiB`, '']);
  }

  const idle = quick ? 1000 : 10_000;
  say(`${idle} idle viewers …`);
  const viewers = await connectViewers(base, idle, service?.pid);
  rows.push([
    `${idle.toLocaleString('en')} idle viewers`,
    `${(viewers.bytes / 1024 ** 2).toFixed(0)} MiB more, ${viewers.cpuPercent.toFixed(1)} % of a core`,
    `status p95 ${ms(viewers.statusP95)}`,
  ]);
}

const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column as 0] ?? '').length)));
const table = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`).join('\n');
const header = `| ${['what', 'measured', 'beside'].map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
process.stdout.write(`${header}\n${table}\n`);
if (arguments_.includes('--save') && !onlyAttack) {
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${(totalmem() / 1024 ** 3).toFixed(0)} GiB, Linux, Node ${process.versions.node}`;
  await writeFile(
    join(import.meta.dirname, 'RESULTS.md'),
    `# What was measured\n\n\`npm run bench -- --save\`, ${new Date().toISOString().slice(0, 10)}, on ${machine}. The client, the service and the jobs share the cores.\nEverything goes over HTTP: multipart in, the end seen by stream. "Bare" is the same program under the same interpreter, started\nwithout any sandbox, in the same run. The machine is shared, so read the ratios.\n\n${header}\n${table}\n`,
  );
}

/** Jobs and bare runs in turn, so that both meet the same weather. */
async function interleaved(
  count: number,
  program: string,
  bare: Awaited<ReturnType<typeof prepareBare>>,
): Promise<[Awaited<ReturnType<typeof latency>>[], number[]]> {
  const jobs: Awaited<ReturnType<typeof latency>>[] = [];
  const alone: number[] = [];
  await latency(base, program);
  await bareRuns(bare, program, 1);
  for (let i = 0; i < count; i++) {
    jobs.push(await latency(base, program));
    alone.push(...(await bareRuns(bare, program, 1)));
  }
  return [jobs, alone];
}
