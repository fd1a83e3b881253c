import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Interpreter } from '../../runtimes/runtime.ts';
import type { CollectBounds, Ended, LeftOut, Limits, Network, RunSpec, Running, Sandbox, StartPath } from '../sandbox.ts';

const MIB = 1024 * 1024;

export interface SandboxUnderTest {
  sandbox: Sandbox;
  interpreter: Interpreter;
  /** Programs run on gVisor: its kernel tells less of them, and the host sees it instead of them. */
  gvisor?: boolean;
  /** Memory that a program's files have filled is lost with them: nobody can give it more for as long as they are read. */
  fullOfFilesIsLost?: boolean;
  /** Which way a run is to be started; each is looked at. */
  pathOf?: (run: RunSpec) => StartPath;
  close(): Promise<void>;
}

export interface RunOptions {
  files?: Record<string, string>;
  inputs?: Record<string, string>;
  entry?: string;
  args?: string[];
  env?: Record<string, string>;
  stdin?: string;
  limits?: Partial<Limits>;
  splitOutput?: boolean;
  workspace?: RunSpec['workspace'];
  network?: Network;
  signal?: AbortSignal;
  collect?: Partial<CollectBounds>;
  /** Called with the output so far whenever there is more. */
  onOutput?: (text: string) => void;
}

export interface RunResult extends Ended {
  output: string;
  streams: { stream: string; text: string }[];
  files: Record<string, string>;
  leftOut: LeftOut[];
}

const LIMITS: Limits = { timeoutMs: 20_000, cpus: 1, memoryBytes: 256 * MIB, pids: 64, diskBytes: 32 * MIB, outputBytes: MIB };
const BOUNDS: CollectBounds = { maxFiles: 100, maxDepth: 8, maxBytes: 64 * MIB, maxMs: 10_000 };

export async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let whole = '';
  for await (const part of stream) whole += String(part);
  return whole;
}

export interface Runs {
  /** Folder of the uploads, which no job may see but its own part of. */
  home: string;
  /** Starts a program; the caller reads, waits and disposes. */
  begin(program: string, options?: RunOptions): Promise<{ running: Running; run: RunSpec }>;
  /** Runs a program to its end and takes what it left. */
  run(program: string, options?: RunOptions): Promise<RunResult>;
  close(): Promise<void>;
}

/** Runs of programs in a sandbox under test, as a worker would make them. */
export async function openRuns(under: SandboxUnderTest): Promise<Runs> {
  const home = await mkdtemp(join(tmpdir(), 'sandbox-runs-'));
  let serial = 0;

  async function begin(program: string, options: RunOptions = {}): Promise<{ running: Running; run: RunSpec }> {
    const id = String(++serial).padStart(32, '0');
    const codeDir = join(home, id, 'code');
    const inputDir = join(home, id, 'input');
    await mkdir(codeDir, { recursive: true });
    await mkdir(inputDir, { recursive: true });
    const put = async (folder: string, files: Record<string, string>): Promise<void> => {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), content);
      }
    };
    const entry = options.entry ?? 'main.py';
    await put(codeDir, { [entry]: program, ...options.files });
    await put(inputDir, options.inputs ?? {});
    const run: RunSpec = {
      jobId: id,
      interpreter: under.interpreter,
      codeDir,
      inputDir,
      entry,
      args: options.args ?? [],
      env: options.env ?? {},
      stdin: options.stdin ?? '',
      limits: { ...LIMITS, ...options.limits },
      splitOutput: options.splitOutput ?? false,
      workspace: options.workspace ?? 'read_only',
      network: options.network ?? 'none',
    };
    const running = await under.sandbox.start(run, options.signal ?? new AbortController().signal);
    const path = under.pathOf?.(run) ?? 'cold';
    // What was over before it could start took no path.
    if (running.path !== path && options.signal?.aborted !== true)
      throw new Error(`started ${running.path} instead of ${path}${running.coldBecause === undefined ? '' : `: ${running.coldBecause}`}`);
    return { running, run };
  }

  async function run(program: string, options: RunOptions = {}): Promise<RunResult> {
    const { running } = await begin(program, options);
    try {
      const streams: RunResult['streams'] = [];
      let output = '';
      for await (const chunk of running.output) {
        const said = chunk.bytes.toString('utf8');
        output += said;
        streams.push({ stream: chunk.stream, text: said });
        options.onOutput?.(output);
      }
      const ended = await running.ended;
      const leftOut: LeftOut[] = [];
      const files: RunResult['files'] = {};
      for await (const file of running.collect({ ...BOUNDS, ...options.collect }, (what) => leftOut.push(what))) {
        files[file.name] = await text(file.open());
      }
      return { ...ended, output, streams, files, leftOut };
    } finally {
      await running.dispose();
    }
  }

  return { home, begin, run, close: () => rm(home, { recursive: true, force: true }) };
}
