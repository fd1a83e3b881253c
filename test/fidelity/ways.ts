import { execFile, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { constants as osConstants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { HostInterpreter, Interpreter } from '../../src/runtimes/runtime.ts';
import { INSIDE, jobEnvironment } from '../../src/sandbox/plan.ts';
import type { CollectBounds, RunSpec, Sandbox, StartPath } from '../../src/sandbox/sandbox.ts';
import type { Case } from './cases.ts';

/** What a program did, as far as anybody outside can tell. */
export interface Doings {
  stdout: string;
  stderr: string;
  /** What it left in its output folder, by name. */
  files: Record<string, string>;
  /** `code 1`, or `signal 2`. */
  end: string;
}

const MIB = 1024 * 1024;
const TIMEOUT_MS = 30_000;
const BOUNDS: CollectBounds = { maxFiles: 10, maxDepth: 2, maxBytes: MIB, maxMs: TIMEOUT_MS };

/** The case's program with all files that any of them needs, in a folder of its own; gone when `use` is done. */
async function withFolder<T>(each: Case, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'fidelity-'));
  try {
    for (const name of ['input', 'output']) await mkdir(join(folder, name));
    const code = join(folder, 'code');
    await cp(join(import.meta.dirname, 'files'), code, { recursive: true });
    const entry = join(code, `${each.program}.py`);
    if (each.bytes === undefined) await cp(join(import.meta.dirname, 'programs', `${each.program}.py`), entry);
    else await writeFile(entry, each.bytes);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const specFor = (each: Case, interpreter: Interpreter, folder: string): RunSpec => ({
  jobId: 'fidelity',
  interpreter,
  codeDir: join(folder, 'code'),
  inputDir: join(folder, 'input'),
  entry: `${each.program}.py`,
  args: each.args ?? [],
  env: each.env ?? {},
  stdin: each.stdin ?? '',
  limits: { timeoutMs: TIMEOUT_MS, cpus: 1, memoryBytes: 512 * MIB, pids: 64, diskBytes: 64 * MIB, outputBytes: MIB },
  splitOutput: true,
  workspace: 'read_only',
});

/** What differs from run to run, or is a matter of where things lie. */
function plain(text: string, from: Record<string, string>): string {
  let result = text;
  for (const [path, inside] of Object.entries(from)) result = result.replaceAll(path, inside);
  return result.replace(/0x[0-9a-f]{6,}/g, '0x…').replace(/ in \d+\.\d{3}s/g, ' in …s');
}

export async function inSandbox(sandbox: Sandbox, interpreter: Interpreter, each: Case, path: StartPath): Promise<Doings> {
  return withFolder(each, async (folder) => {
    const spec = { ...specFor(each, interpreter, folder), coldStart: path === 'cold' };
    const running = await sandbox.start(spec, new AbortController().signal);
    try {
      if (running.path !== path) throw new Error(`started ${running.path}, for ${running.coldBecause}`);
      const said = { stdout: '', stderr: '' };
      for await (const { stream, bytes } of running.output) said[stream] += bytes.toString('latin1');
      const { exit } = await running.ended;
      const end = exit.kind === 'exited' ? `code ${exit.code}` : exit.kind === 'signaled' ? `signal ${exit.number}` : exit.kind;
      const files: Doings['files'] = {};
      for await (const { name, open } of running.collect(BOUNDS, () => undefined)) files[name] = await textOf(open());
      return { stdout: plain(said.stdout, {}), stderr: plain(said.stderr, {}), files, end };
    } finally {
      await running.dispose();
    }
  });
}

/** A pipe, as Node has none: what it calls so is a socket. */
async function makePipe(path: string): Promise<{ reader: Socket; writer: number }> {
  await promisify(execFile)('mkfifo', [path]);
  const reader = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
  return { reader, writer: openSync(path, constants.O_WRONLY) };
}

async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const part of stream) text += (part as Buffer).toString('latin1');
  return text;
}

/** `python PROGRAM ARGS` without us, in the environment that a job has. */
export async function bare(interpreter: HostInterpreter, each: Case): Promise<Doings> {
  return withFolder(each, async (folder) => {
    const spec = specFor(each, interpreter, folder);
    const outside: Record<string, string> = {
      [INSIDE.base]: interpreter.prefix,
      [INSIDE.input]: spec.inputDir,
      [INSIDE.output]: join(folder, 'output'),
    };
    const environment = Object.entries(jobEnvironment({ ...spec, interpreter })).map(([name, value]) => [name, plain(value, outside)]);
    await writeFile(join(folder, 'stdin'), spec.stdin);
    const stdin = openSync(spec.stdin === '' ? '/dev/null' : join(folder, 'stdin'), 'r');
    const [stdout, stderr] = [await makePipe(join(folder, 'stdout')), await makePipe(join(folder, 'stderr'))];
    const child = spawn(interpreter.executable, [spec.entry, ...spec.args], {
      cwd: spec.codeDir,
      env: Object.fromEntries(environment) as Record<string, string>,
      stdio: [stdin, stdout.writer, stderr.writer],
      timeout: TIMEOUT_MS,
    });
    for (const fd of [stdin, stdout.writer, stderr.writer]) closeSync(fd);
    const end = new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(signal === null ? `code ${code}` : `signal ${osConstants.signals[signal]}`));
    });
    const said = await Promise.all([textOf(stdout.reader), textOf(stderr.reader)]);
    const inside = {
      [spec.codeDir]: INSIDE.code,
      [spec.inputDir]: INSIDE.input,
      [join(folder, 'output')]: INSIDE.output,
      ...(interpreter.prefix === '/usr' ? {} : { [interpreter.prefix]: INSIDE.base }),
    };
    const ended = await end;
    const files: Doings['files'] = {};
    for (const name of await readdir(join(folder, 'output'))) files[name] = await readFile(join(folder, 'output', name), 'latin1');
    return { stdout: plain(said[0], inside), stderr: plain(said[1], inside), files, end: ended };
  });
}
