import { spawnSync } from 'node:child_process';
import { NODE_FLAGS } from '../src/node-flags.ts';
import { soak, type SoakResult } from '../test/support/warm-soak.ts';

/**
 * `node bench/warm-soak.ts [JOBS [KILLS [SEED]]]`: thousands of warm starts in a row, then some hundred with the fork servers killed at
 * random moments; what they left is counted. As root it counts all, else what the user can see.
 */

// As the service is started: without its flags V8 takes more and more memory for garbage.
if (globalThis.gc === undefined) {
  const { status } = spawnSync(process.execPath, [...NODE_FLAGS, '--expose-gc', ...process.argv.slice(1)], { stdio: 'inherit' });
  process.exit(status ?? 1);
}

const [jobs = 5000, kills = 500, seed = 1] = process.argv.slice(2).map(Number);
const tell = (line: string): boolean => process.stderr.write(`${line}\n`);

const results: [string, SoakResult][] = [];
tell(`${jobs} jobs in a row …`);
results.push([`${jobs} in a row`, await soak({ jobs, kills: 0, seed, atOnce: 1 }, tell)]);
tell(`jobs, two at once, while servers are killed ${kills} times (seed ${seed}) …`);
results.push([`${kills} kills`, await soak({ jobs: kills, kills, seed, atOnce: 2 }, tell)]);

const MIB = 1024 * 1024;
const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
const rows: [string, (result: SoakResult) => string][] = [
  ['lost or wrong', ({ wrong }) => String(wrong.length)],
  ['jobs: started warm, cold, again', ({ starts }) => `${starts.warm}, ${starts.cold}, ${starts.again}`],
  ['kills; servers used', (result) => `${result.kills}; ${result.serversUsed}`],
  ['idle before: processes, namespaces, cgroups', ({ idle: { before } }) => `${before.processes}, ${before.namespaces}, ${before.cgroups}`],
  ['idle after', ({ idle: { after } }) => `${after.processes}, ${after.namespaces}, ${after.cgroups}`],
  ['closed: processes, namespaces, mounts, cgroups, folders', ({ closed }) => Object.values(closed).join(', ')],
  ['descriptors of this process, before and after', ({ descriptors }) => `${descriptors.before}, ${descriptors.after}`],
  ['descriptors of the server, early and late', ({ descriptors }) => `${descriptors.serverEarly}, ${descriptors.serverLate}`],
  ['memory of this process, early and late', ({ memory }) => `${mib(memory.earlyBytes)}, ${mib(memory.lateBytes)}`],
  ['in use of it, after a collection', ({ memory }) => `${mib(memory.usedEarlyBytes)}, ${mib(memory.usedLateBytes)}`],
  ['memory of the server, early and late', ({ memory }) => `${mib(memory.serverEarlyBytes)}, ${mib(memory.serverLateBytes)}`],
  ['jobs a second', (result) => ((Object.values(result.starts).reduce((sum, each) => sum + each, 0) / result.elapsedMs) * 1000).toFixed(1)],
];
process.stdout.write(`| | ${results.map(([name]) => name).join(' | ')} |\n|---|${results.map(() => '---').join('|')}|\n`);
for (const [name, of] of rows) process.stdout.write(`| ${name} | ${results.map(([, result]) => of(result)).join(' | ')} |\n`);
for (const [, { wrong }] of results) for (const each of wrong.slice(0, 20)) tell(each);
process.exitCode = results.some(([, { wrong, closed }]) => wrong.length > 0 || Object.values(closed).some((count) => count > 0)) ? 1 : 0;
