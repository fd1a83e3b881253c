import type { OutputFile } from '../artifacts/artifacts.ts';
import type { Outcome, Usage } from '../jobs/outcome.ts';
import type { Interpreter } from '../runtimes/runtime.ts';

/** What a driver promises on this machine. False: not here, and `/readyz` says so. */
export interface Guarantees {
  /** Own view of the file system: nothing of the host but the interpreter and system libraries, read-only. */
  filesystem: boolean;
  /** No network at all under `net_policy: none`. */
  network: boolean;
  /** Own process tree, killed as a whole. */
  processes: boolean;
  /** System-call filter, no capabilities, no new privileges. */
  syscalls: boolean;
  /** The job's user is not the service's user. */
  user: boolean;
  /** Memory of the whole job is bounded, without swap (else: of each process). */
  memory: boolean;
  /** Processes of the job are bounded. */
  pids: boolean;
  /** CPU share is bounded. */
  cpu: boolean;
  /** One bound over all writable places together. */
  disk: boolean;
}

/** Whether runs with a network are possible here. */
export type Outbound = { possible: true } | { possible: false; /** Why not, and the line that mends it. */ reason: string; remedy: string };

export interface SandboxHealth {
  guarantees: Guarantees;
  outbound: Outbound;
  /** What is weaker than it could be, each with what mends it. */
  notes: string[];
}

export interface Limits {
  timeoutMs: number;
  cpus: number;
  memoryBytes: number;
  pids: number;
  diskBytes: number;
  outputBytes: number;
}

/** One entry of an allow-list; without a port, all of them. */
export type Destination =
  | { address: string; port?: number }
  | { name: string; /** The names below it, not itself. */ below: boolean; port?: number };

/** Where a run may connect to: nowhere, to public addresses, or of these to some only. Decided on the address that a connection goes to. */
export type Network = 'none' | 'outbound' | { allow: readonly Destination[] };

/** Everything that one attempt needs. All of `entry`, `args`, `env`, `stdin` are the job's own words: they take effect inside the sandbox or not at all. */
export interface RunSpec {
  jobId: string;
  interpreter: Interpreter;
  codeDir: string;
  inputDir: string;
  entry: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  stdin: string;
  limits: Limits;
  splitOutput: boolean;
  workspace: 'read_only' | 'writable';
  /** Left out: none. A driver that can't give one refuses the run with NetworkUnavailable. */
  network?: Network;
  /** Take no interpreter that was started ahead: the last one that this job had was lost. */
  coldStart?: boolean;
}

export interface OutputChunk {
  stream: 'stdout' | 'stderr';
  bytes: Buffer;
}

/** How the sandbox saw the program end. The first cause wins. */
export type Exit =
  | Extract<Outcome, { kind: 'exited' | 'signaled' | 'timeout' | 'oom' | 'output_limit' | 'disk_limit' }>
  | { kind: 'aborted' };

export interface Ended {
  exit: Exit;
  usage: Usage;
}

export interface CollectBounds {
  maxFiles: number;
  maxDepth: number;
  maxBytes: number;
  maxMs: number;
}

/** A file or folder that was left out of the collection, and why; one line of the job's log. */
export interface LeftOut {
  name: string;
  reason: string;
}

/** How a program starts: with an interpreter of its own, or with one that has imported what it needs before the job came. */
export type StartPath = 'cold' | 'warm';

/**
 * Why a program of a driver that starts warm was started cold. It asked to be: `asked`, or for a `network`. It could tell the difference: `environment`
 * (variables that are read when an interpreter starts), `entry` (no ordinary .py file), `shadows` (has modules by the names of some that
 * are imported ahead), `limits` (others than can be set on what was made ahead, or more files). There was none: `starting` (the first for this interpreter, or since the last one ended), `empty` (jobs come
 * faster than sandboxes can be made), `failing` (they can't be made).
 */
export type ColdReason = 'asked' | 'network' | 'environment' | 'entry' | 'shadows' | 'limits' | 'starting' | 'empty' | 'failing';

export interface Running {
  readonly path: StartPath;
  /** Only where it could have been a warm start. */
  readonly coldBecause?: ColdReason | undefined;
  /** Output as it comes, at most `limits.outputBytes` in all; ends when nothing of the job can write any more. Not reading it makes the program wait. */
  output: AsyncIterable<OutputChunk>;
  /** Resolves when no process of the job is alive any more. Never rejects for what the program did; rejects when the sandbox itself failed, with SandboxLost when that is likely to work at the next try. */
  ended: Promise<Ended>;
  /** Regular files of the output folder (and, in a writable workspace, what was added or changed there). To be called after `ended`, once. */
  collect(bounds: CollectBounds, leftOut: (what: LeftOut) => void): AsyncIterable<OutputFile>;
  /** Kills what lives and removes every trace. Safe at any time and more than once. */
  dispose(): Promise<void>;
}

/** Runs one attempt under limits. */
export interface Sandbox {
  readonly name: 'bubblewrap' | 'docker' | 'none';
  /** Proves by a trial run that it works here, else throws a StartError with the line that mends it. Sweeps what a killed service left. */
  check(): Promise<SandboxHealth>;
  /** Says which interpreter most jobs will want, so that what can be done ahead is. */
  anticipate(interpreter: Interpreter): void;
  /**
   * Resolves when the program has been started. Aborting the signal kills the whole tree: `exit` is then `aborted`, also when it had not been
   * started yet. Rejects with SandboxUnavailable when nothing has run and nothing can.
   */
  start(run: RunSpec, signal: AbortSignal): Promise<Running>;
  close(): Promise<void>;
}

/** The run asks for a network that can't be had here. It is not run with less, nor with more. */
export class NetworkUnavailable extends Error {}

/** What the sandbox was made of is gone through no fault of the job's: it may be started again. */
export class SandboxLost extends Error {}

/** Nothing can be started for the moment, whatever it is. Once `check` passes again, it can. */
export class SandboxUnavailable extends Error {}
