import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunOptions, RunResult, Runs } from '../../src/sandbox/contract/runs.contract.ts';
import type { Exit } from '../../src/sandbox/sandbox.ts';

/**
 * A program that tries to do what a job must not, as it lies in programs/<class>/<name>.py. Its first lines say in a comment what
 * it tries; `#:` lines, if any, hold as JSON how it is run and what exactly must come of it. Without them: it ends with exit code 0, has
 * said "held" and nothing else, and has left nothing. The programs themselves say BROKEN for whatever they got hold of.
 */
export interface Attack {
  /** `kernel/mounts` */
  id: string;
  tries: string;
  program: string;
  how: Terms;
}

const names = z.array(z.string());
const terms = z.strictObject({
  entry: z.string().optional(),
  args: names.optional(),
  env: z.record(z.string(), z.string()).optional(),
  stdin: z.string().optional(),
  files: z.record(z.string(), z.string()).optional(),
  limits: z.partialRecord(z.enum(['timeoutMs', 'cpus', 'memoryBytes', 'pids', 'diskBytes', 'outputBytes']), z.number()).optional(),
  collect: z.partialRecord(z.enum(['maxFiles', 'maxDepth', 'maxBytes', 'maxMs']), z.number()).optional(),
  workspace: z.enum(['read_only', 'writable']).optional(),
  split: z.boolean().optional(),

  /** `exited 0`, `signaled SIGSYS`, `timeout`, `oom` … */
  exit: z.string().default('exited 0'),
  exitAmong: names.optional(),
  prints: z.string().optional(),
  printsLike: z.string().optional(),
  outputBytes: z.number().optional(),
  /** Run twice, it must not say the same. */
  differs: z.boolean().optional(),
  leaves: names.optional(),
  leavesAmong: names.optional(),
  leavesCount: z.number().optional(),
  leavesOut: names.optional(),
  leavesOutAmong: names.optional(),
  leavesOutCount: z.number().optional(),
  /** CPU time by wall time. */
  maxCpuShare: z.number().optional(),
});
export type Terms = z.output<typeof terms>;

const PROGRAMS = join(import.meta.dirname, 'programs');

export async function readAttacks(): Promise<Attack[]> {
  const attacks: Attack[] = [];
  for (const folder of await readdir(PROGRAMS, { withFileTypes: true })) {
    if (!folder.isDirectory()) continue;
    for (const file of await readdir(join(PROGRAMS, folder.name))) {
      if (!file.endsWith('.py')) continue;
      const id = `${folder.name}/${file.replace(/\.py$/, '')}`;
      attacks.push(parseAttack(id, await readFile(join(PROGRAMS, folder.name, file), 'utf8')));
    }
  }
  return attacks.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function parseAttack(id: string, program: string): Attack {
  const lines = program.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('#'));
  const head = lines.slice(0, end === -1 ? lines.length : end);
  const tries = head
    .filter((line) => !line.startsWith('#:'))
    .map((line) => line.replace(/^# ?/, ''))
    .join(' ');
  const json = head
    .filter((line) => line.startsWith('#:'))
    .map((line) => line.slice(2))
    .join('');
  if (tries === '') throw new Error(`${id} does not say what it tries`);
  return { id, tries, program, how: terms.parse(json === '' ? {} : JSON.parse(json)) };
}

/** What every attack is given: the module that they share, and where to find what the tests have put up on the host. */
export async function givenTo(target: object): Promise<{ files: Record<string, string>; inputs: Record<string, string> }> {
  return {
    files: { 'attack.py': await readFile(join(PROGRAMS, 'attack.py'), 'utf8') },
    inputs: { 'target.json': JSON.stringify(target) },
  };
}

/** Runs an attack and says what is not as it must be: nothing, when all of it holds. */
export async function runAttack(
  runs: Runs,
  { program, how }: Attack,
  given: { files: Record<string, string>; inputs: Record<string, string> },
  gvisor = false,
): Promise<string[]> {
  const options: RunOptions = {
    files: { ...given.files, ...how.files },
    inputs: given.inputs,
    entry: how.entry ?? 'main.py',
    args: how.args ?? [],
    env: how.env ?? {},
    stdin: how.stdin ?? '',
    limits: how.limits ?? {},
    collect: how.collect ?? {},
    splitOutput: how.split ?? false,
    workspace: how.workspace ?? 'read_only',
  };
  const result = await runs.run(program, options);
  const wrong = judge(how, result, gvisor);
  if (how.differs === true && (await runs.run(program, options)).output === result.output) wrong.push(`twice the same: ${result.output}`);
  return wrong;
}

const inWords = (exit: Exit): string =>
  exit.kind === 'exited' ? `exited ${exit.code}` : exit.kind === 'signaled' ? `signaled ${exit.signal}` : exit.kind;

const clip = (text: string): string => JSON.stringify(text.length > 2000 ? `${text.slice(0, 2000)}…` : text);

/** Under gVisor it may be the job's own kernel that is ended, with all files, and that is told. */
function judge(how: Terms, { exit, usage, output, files, leftOut }: RunResult, gvisor: boolean): string[] {
  const wrong: string[] = [];
  const check = (fine: boolean, what: () => string): void => {
    if (!fine) wrong.push(what());
  };
  const same = (a: readonly string[], b: readonly string[]): boolean => JSON.stringify(a.toSorted()) === JSON.stringify(b.toSorted());
  const end = inWords(exit);
  check((how.exitAmong ?? [how.exit]).includes(end), () => `ended with ${end} instead of ${how.exit}; it said ${clip(output)}`);
  check(!output.includes('BROKEN'), () => `got through: ${clip(output)}`);
  if (how.outputBytes !== undefined)
    check(output.length === how.outputBytes, () => `said ${output.length} bytes instead of ${how.outputBytes}`);
  else if (how.printsLike !== undefined) check(new RegExp(how.printsLike, 'u').test(output), () => `said ${clip(output)}`);
  else check(output === (how.prints ?? (how.exit === 'exited 0' || how.exit === 'timeout' ? 'held\n' : '')), () => `said ${clip(output)}`);

  const left = Object.keys(files);
  if (how.leavesCount !== undefined) check(left.length === how.leavesCount, () => `left ${left.length} files`);
  else if (how.leavesAmong !== undefined)
    check(
      left.every((name) => how.leavesAmong?.includes(name)),
      () => `left ${left.join(', ')}`,
    );
  else check(same(left, how.leaves ?? []), () => `left ${JSON.stringify(left)}`);
  for (const [name, content] of Object.entries(files)) check(!content.includes('root:x:0:0'), () => `${name} is a file of the host`);

  const out = leftOut.map(({ name }) => name).filter((name) => !(gvisor && name === 'everything'));
  if (how.leavesOutCount !== undefined) check(out.length === how.leavesOutCount, () => `left out ${out.join(', ')}`);
  else if (how.leavesOutAmong !== undefined)
    check(
      out.every((name) => how.leavesOutAmong?.includes(name)),
      () => `left out ${out.join(', ')}`,
    );
  else check(same(out, how.leavesOut ?? []), () => `left out ${JSON.stringify(out)}`);

  const { maxCpuShare } = how;
  if (maxCpuShare !== undefined)
    check(usage.cpuMs / usage.wallMs <= maxCpuShare, () => `took ${(usage.cpuMs / usage.wallMs).toFixed(2)} of a processor`);
  return wrong;
}
