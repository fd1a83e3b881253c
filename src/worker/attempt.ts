import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Artifact } from '../api/job.ts';
import { parseDestination, type NetPolicy } from '../api/net-policy.ts';
import type { Artifacts } from '../artifacts/artifacts.ts';
import { untilDescriptors } from '../descriptors.ts';
import { lacksDescriptors } from '../errors.ts';
import { endingOf, type Outcome, type Usage } from '../jobs/outcome.ts';
import { runnerEntry, says } from '../jobs/runner-lines.ts';
import type { Runtimes } from '../runtimes/runtime.ts';
import {
  NetworkUnavailable,
  SandboxLost,
  SandboxUnavailable,
  type ColdReason,
  type Ended,
  type Exit,
  type Network,
  type RunSpec,
  type Running,
  type Sandbox,
  type StartPath,
} from '../sandbox/sandbox.ts';
import { StoreError, type Claim, type JobRecord, type NewLogEntry, type Store } from '../store/store.ts';
import type { AttemptEnd, AttemptWatch, WatchAttempt } from './attempt-watch.ts';
import { keepLease } from './lease.ts';
import { createLogWriter, type LogWriter } from './log-writer.ts';
import { untilAvailable } from './until-available.ts';

export interface AttemptRules {
  leaseMs: number;
  collect: { maxFiles: number; maxDepth: number; maxMs: number };
}

export interface AttemptParts {
  store: Store;
  artifacts: Artifacts;
  sandbox: Sandbox;
  runtimes: Runtimes;
  logger: Logger;
  rules: AttemptRules;
  watch: WatchAttempt;
}

/** Why an attempt was stopped from outside. */
type Stop = 'canceled' | 'lost' | 'released';

interface Result {
  outcome: Outcome;
  usage: Usage | null;
  artifacts: Artifact[];
  truncated: boolean;
  /** Undefined where nothing was started. */
  path?: StartPath;
  coldBecause?: ColdReason | undefined;
}

class LeaseLost extends Error {}

/** The program was lost in the middle, and can't be started again here: that is an attempt, and the next one is somebody else's. */
class ProgramLost extends Error {}

/** An attempt on its way. */
interface Going extends AttemptParts {
  job: JobRecord;
  log: LogWriter;
  say(text: string): Promise<void>;
  signal: AbortSignal;
  /** Aborts with a LeaseLost: whatever else stopped the attempt, from here on its files are another's. */
  lost: AbortSignal;
  watched: AttemptWatch;
  /** What is to be undone, last first, when the end has been written: nobody needs to wait for it. */
  undo: (() => Promise<void>)[];
}

const MIB = 1024 * 1024;

/**
 * One attempt, from the claim to the finished (or handed back) job: inputs → sandbox → log → artifacts → finish.
 * Never throws for anything that the job did. `drain` aborts when running jobs are to go back to the queue. Where descriptors are lacking, or
 * the sandbox can start nothing, the job goes there as well, and it takes until that is over.
 */
export async function runAttempt(claim: Claim, parts: AttemptParts, drain: AbortSignal): Promise<void> {
  const { store, rules } = parts;
  const { job, lease } = claim;
  const logger = parts.logger.child({ job: job.id, attempt: job.attempt });
  const abort = new AbortController();
  const lost = new AbortController();
  const stop = (why: Stop): void => {
    if (why === 'lost') lost.abort(new LeaseLost('the lease is lost'));
    abort.abort(why);
  };
  const onCancel = (): void => stop('canceled');
  const onDrain = (): void => stop('released');
  claim.canceled.addEventListener('abort', onCancel);
  drain.addEventListener('abort', onDrain);
  if (claim.canceled.aborted) onCancel();
  if (drain.aborted) onDrain();
  const stopKeeping = keepLease(store, claim, rules.leaseMs, stop);

  const log = createLogWriter(async (entries) => {
    if ((await store.append(lease, entries)) === 'lost') {
      stop('lost');
      throw new LeaseLost('the lease is lost');
    }
  });
  const say = (text: string): Promise<void> => log.add(runnerEntry(text, Date.now()));
  const watched = parts.watch(job);
  let end: AttemptEnd = { kind: 'lost' };
  let comeBack = async (): Promise<void> => undefined;
  const going: Going = { ...parts, logger, job, log, say, watched, signal: abort.signal, lost: lost.signal, undo: [] };

  try {
    let result: Result;
    let sorry: NewLogEntry[] = [];
    /** Why the job goes back to the queue, if it does. */
    let handBack: string | undefined;
    const failed = (error: unknown): Result => {
      if (error instanceof LeaseLost) throw error;
      logger.error({ err: error }, 'the attempt failed for a reason of ours');
      sorry = [runnerEntry(says.internal(`${job.id}/${job.attempt}`), Date.now())];
      return { outcome: { kind: 'internal' }, usage: null, artifacts: [], truncated: false };
    };
    try {
      // A program that speaks at once is heard with it: one write less for each short job.
      log.addAhead(runnerEntry(says.starting(job.id), Date.now()));
      result = await execute(going);
    } catch (error) {
      if (error instanceof SandboxUnavailable || error instanceof ProgramLost) comeBack = () => untilAvailable(parts.sandbox, drain);
      if (error instanceof ProgramLost) throw error;
      result = failed(error);
      if (error instanceof SandboxUnavailable) handBack = says.sandboxAway();
      if (lacksDescriptors(error)) {
        handBack = says.noDescriptors();
        comeBack = () => untilDescriptors(drain);
      }
    }
    lost.signal.throwIfAborted();
    // A store without room for all of the log still has room for the end; one that is away may be back, and the job is tried again.
    const rest = await log.end().catch((error: unknown) => {
      if (!(error instanceof StoreError) || error.kind !== 'full') throw error;
      result = { ...failed(error), truncated: true };
      return [];
    });
    if (abort.signal.reason === 'released' && result.outcome.kind === 'canceled') handBack = says.handedBack();
    if (handBack !== undefined) {
      await store.release(lease, [...rest, runnerEntry(handBack, Date.now())]);
      end = { kind: 'handed_back' };
      logger.info({ why: handBack }, 'handed back to the queue');
      return;
    }
    const finished = await store.finish(lease, {
      outcome: result.outcome,
      usage: result.usage,
      artifacts: result.artifacts,
      logTruncated: result.truncated,
      log: [...rest, ...sorry, ...lastWords(result.outcome)],
    });
    if (!finished) throw new LeaseLost('the lease was lost before the end was written');
    end = { kind: 'finished', outcome: result.outcome };
    const { outcome, usage, path, coldBecause } = result;
    logger.info({ outcome, usage, path, coldBecause }, 'finished');
  } catch (error) {
    if (error instanceof LeaseLost) logger.warn('the lease is lost: somebody else has the job now');
    else logger.error({ err: error }, 'the attempt has no end that could be written; the job is retried when the lease is over');
  } finally {
    watched.over(end);
    stopKeeping();
    for (const undo of going.undo.toReversed()) {
      await undo().catch((error: unknown) => logger.error({ err: error }, 'clearing up after an attempt failed'));
    }
    claim.canceled.removeEventListener('abort', onCancel);
    drain.removeEventListener('abort', onDrain);
    await comeBack();
  }
}

/** "finished with code n" is the last line of every log, but for the job that had nothing to run. */
function lastWords(outcome: Outcome): NewLogEntry[] {
  const { exitCode } = endingOf(outcome);
  return outcome.kind === 'missing_entry' || exitCode === null ? [] : [runnerEntry(says.finished(exitCode), Date.now())];
}

async function execute(going: Going): Promise<Result> {
  const { job, artifacts, say, signal, lost } = going;
  const inputs = await artifacts.inputs(job.id);
  going.undo.push(() => inputs.dispose());
  // An attempt that died may have left some of its files.
  if (job.attempt > 1) await artifacts.clearOutputs(job.id, lost);
  if (lstatSync(join(inputs.codeDir, job.spec.entry), { throwIfNoEntry: false })?.isFile() !== true) {
    await say(says.entryNotFound(job.spec.entry));
    return { outcome: { kind: 'missing_entry' }, usage: null, artifacts: [], truncated: false };
  }
  if (signal.aborted) return { outcome: { kind: 'canceled', ran: false }, usage: null, artifacts: [], truncated: false };
  const run = runSpecFor(job, going, inputs);
  try {
    return await runOnce(going, run);
  } catch (error) {
    if (error instanceof NetworkUnavailable) {
      await say(says.noNetwork(error.message));
      return { outcome: { kind: 'internal' }, usage: null, artifacts: [], truncated: false };
    }
    if (!(error instanceof SandboxLost) || signal.aborted) throw error;
    going.logger.warn({ err: error }, 'the sandbox was lost; starting again, cold');
    await artifacts.clearOutputs(job.id, lost);
    await say(says.startingAgain());
    return await runOnce(going, { ...run, coldStart: true }).catch((again: unknown) => {
      throw again instanceof SandboxUnavailable
        ? new ProgramLost('the sandbox was lost, and nothing can be started', { cause: again })
        : again;
    });
  }
}

async function runOnce(going: Going, run: RunSpec): Promise<Result> {
  const running = await going.sandbox.start(run, going.signal);
  going.watched.started(running.path, running.coldBecause);
  going.undo.push(() => running.dispose());
  return { ...(await follow(going, running)), path: running.path, coldBecause: running.coldBecause };
}

async function follow({ job, artifacts, rules, log, say, watched, lost }: Going, running: Running): Promise<Result> {
  for await (const chunk of running.output) await log.write(chunk.stream, chunk.bytes);
  log.endLines();
  const { exit, usage }: Ended = await running.ended;
  watched.ran();
  const sentence = sentenceFor(exit);
  if (sentence !== undefined) await say(sentence);

  // By name: what a writable workspace has under the name of an output takes its place.
  const kept = new Map<string, Artifact>();
  const bounds = { ...rules.collect, maxBytes: job.spec.disk_limit_mb * MIB };
  const leftOut: string[] = [];
  for await (const file of running.collect(bounds, ({ name, reason }) => leftOut.push(says.leftOut(name, reason)))) {
    try {
      kept.set(file.name, await artifacts.keep(job.id, file, lost));
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      leftOut.push(says.leftOut(file.name, error instanceof Error ? error.message : String(error)));
    }
  }
  for (const line of leftOut) await say(line);
  watched.collected();
  return {
    outcome: outcomeOf(exit),
    usage,
    artifacts: [...kept.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    truncated: exit.kind === 'output_limit',
  };
}

/** Why the runner ended a program, if it did. */
function sentenceFor(exit: Exit): string | undefined {
  switch (exit.kind) {
    case 'timeout':
      return says.timeout();
    case 'oom':
      return says.outOfMemory();
    case 'output_limit':
      return says.outputLimit();
    case 'disk_limit':
      return says.diskLimit();
    case 'aborted':
      return says.canceled();
    case 'exited':
    case 'signaled':
      return undefined;
  }
}

const outcomeOf = (exit: Exit): Outcome => (exit.kind === 'aborted' ? { kind: 'canceled', ran: true } : exit);

/** What is no destination has not been accepted. */
const networkOf = (policy: NetPolicy): Network =>
  typeof policy === 'string' ? policy : { allow: policy.allow.map(parseDestination).filter((entry) => typeof entry !== 'string') };

function runSpecFor(job: JobRecord, parts: Going, inputs: { codeDir: string; inputDir: string }): RunSpec {
  const { spec } = job;
  const runtime = parts.runtimes.get(job.runtime);
  if (runtime === undefined) throw new Error(`the runtime ${job.runtime} is gone`);
  return {
    jobId: job.id,
    interpreter: runtime.interpreter,
    codeDir: inputs.codeDir,
    inputDir: inputs.inputDir,
    entry: spec.entry,
    args: spec.args,
    env: { ...parts.watched.environment, ...spec.env },
    stdin: spec.stdin,
    limits: {
      timeoutMs: spec.timeout_sec * 1000,
      cpus: spec.cpu_limit,
      memoryBytes: spec.mem_limit_mb * MIB,
      pids: spec.pids_limit,
      diskBytes: spec.disk_limit_mb * MIB,
      outputBytes: spec.output_limit_mb * MIB,
    },
    splitOutput: spec.split_output,
    workspace: spec.workspace,
    network: networkOf(spec.net_policy),
  };
}
