import { availableParallelism } from 'node:os';
import type { ImageInterpreter } from '../runtimes/runtime.ts';
import { collectFrames } from './docker/collect.ts';
import { openCold } from './docker/cold-start.ts';
import { connect, type Connection } from './docker/connect.ts';
import { START_MS, type Container, type EndReport } from './docker/container.ts';
import type { EngineSettings } from './docker/engine.ts';
import { encodeFrame, ORDER } from './docker/frames.ts';
import { itemsOf, ordersFor, roomFor } from './docker/given.ts';
import { createDescribe } from './docker/describe.ts';
import { buildCommand, type ImageDescription } from './docker/image.ts';
import { neverStarted, unlessAborted } from './docker/never-started.ts';
import { createNetworks, type NetworkOptions, type Networks } from './docker/networks.ts';
import { LABELS, runOrder, type Given, type ImageRun } from './docker/plan.ts';
import { nameFor, sweep } from './docker/sweep.ts';
import { createWarmStarts, type WarmOptions, type WarmStarts } from './docker/warm-start.ts';
import { exitOf } from './exit.ts';
import { firstCause } from './first-cause.ts';
import { readOutput } from './output.ts';
import {
  NetworkUnavailable,
  SandboxLost,
  SandboxUnavailable,
  type ColdReason,
  type Ended,
  type Exit,
  type Limits,
  type RunSpec,
  type Running,
  type Sandbox,
  type StartPath,
} from './sandbox.ts';
import { seccompFilter } from './seccomp/filter.ts';
import { seccompProfile } from './seccomp/profile.ts';

export interface DockerOptions extends NetworkOptions {
  engine: EngineSettings;
  /** Warm starts; without, each job's container is made when it comes. */
  warm?: WarmOptions | undefined;
}

export interface DockerSandbox extends Sandbox {
  /** What an image has for jobs; undefined when the engine has no such image. Its first asking is a trial run. Throws a StartError with what mends it. */
  describe(image: string): Promise<ImageDescription | undefined>;
  /** The one line that makes an image for its engine. */
  buildCommand(image: string): string;
}

/** After which an init that has been told to end its job is ended with it. */
const KILL_AGAIN_MS = 5000;
/** How often it is looked for what other services have left, should they have been killed. */
const SWEEP_MS = 60_000;
/** What the init needs to walk through a job's files: those may have filled all the memory that there was. */
const COLLECTING_BYTES = 32 * 1024 * 1024;
const CORES = availableParallelism();

interface Connected extends Connection {
  networks: Networks;
  /** What containers are labelled with, to be known as this process's. */
  owner: string;
}

interface Started {
  container: Container;
  path: StartPath;
  coldBecause?: ColdReason | undefined;
}

/** Runs each job in a container of its own, over the Engine API. docs/sandbox.md tells what stands between a job and the machine. */
export function createDocker(options: DockerOptions): DockerSandbox {
  let connection: Connected | undefined;
  let warm: WarmStarts | undefined;
  let sweeping: NodeJS.Timeout | undefined;
  const running = new Set<Running>();

  const engine = (): Connected => {
    if (connection === undefined) throw new Error('check() comes first');
    return connection;
  };
  const traits = () => ({ gvisor: engine().gvisor, holdsMemory: engine().health.guarantees.memory });
  const planFor = ({ image }: ImageInterpreter, limits: Limits, labels: Record<string, string> = {}) => ({
    image,
    limits,
    profile: seccompProfile(engine().architecture),
    podman: engine().podman,
    ...traits(),
    runtime: options.runtime,
    labels: { [LABELS.owner]: engine().owner, ...labels },
  });
  const filter = (): Buffer => seccompFilter(engine().architecture);

  /** Undefined where nothing is started ahead. */
  async function takeWarm(run: ImageRun, given: Given): Promise<Container | ColdReason | undefined> {
    if (options.warm === undefined) return undefined;
    const { image, executable } = run.interpreter;
    if (warm?.interpreter.image !== image || warm.interpreter.executable !== executable) return 'starting';
    return warm.take(run, given);
  }

  async function open(run: ImageRun, signal: AbortSignal): Promise<Started> {
    const [code, input] = await Promise.all([itemsOf(run.codeDir, 'code'), itemsOf(run.inputDir, 'input')]);
    // A writable copy of the code is the job's own, and counts as such.
    const given = roomFor(run.workspace === 'writable' ? input : [...code, ...input]);
    const give = async (container: Container): Promise<void> => {
      await container.order(encodeFrame(ORDER.give, { bytes: given.bytes, writable: run.workspace === 'writable' }));
      for await (const order of ordersFor([...code, ...input])) {
        signal.throwIfAborted();
        await container.order(order);
      }
      // From here on it is the job that is ended, and not its start.
      signal.throwIfAborted();
      await container.order(encodeFrame(ORDER.run, runOrder(run, threadsFor(run.limits), traits())));
      try {
        await container.next('started', START_MS);
      } catch (error) {
        // Under gVisor a program may be the end of its kernel before anybody has heard that it runs: then that is how it ended.
        if (!(await container.ranOutOfMemory())) throw error;
      }
    };
    let taken = await takeWarm(run, given);
    if (typeof taken === 'object') {
      try {
        await give(taken);
        return { container: taken, path: 'warm' };
      } catch (error) {
        await taken.remove();
        signal.throwIfAborted();
        options.warm?.events.trouble('a warm start failed; the job starts cold', error);
        taken = 'failing';
      }
    }
    signal.throwIfAborted();
    const plan = planFor(run.interpreter, run.limits, { [LABELS.job]: run.jobId });
    const { network = 'none' } = run;
    const gateway = network === 'none' ? undefined : await engine().networks.open(plan.image, network, plan.labels);
    const container = await openCold(engine().client, { ...plan, given }, filter(), gateway);
    try {
      await give(container);
    } catch (error) {
      await container.remove();
      throw error;
    }
    return { container, path: 'cold', coldBecause: taken };
  }

  async function start(spec: RunSpec, signal: AbortSignal): Promise<Running> {
    const { interpreter } = spec;
    if (!('image' in interpreter)) throw new Error('an interpreter of this host was handed to a sandbox of images');
    const run: ImageRun = { ...spec, interpreter };
    const opening = open(run, signal);
    const opened = await unlessAborted(opening, signal).catch(async (error: unknown) => {
      if (error instanceof NetworkUnavailable || error instanceof SandboxUnavailable) throw error;
      const { client } = engine();
      if (!(await client.answers())) throw new SandboxUnavailable(`no engine answers (${client.host})`, { cause: error });
      throw new Error(`the sandbox could not be set up: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    });
    if (opened === undefined) return neverStarted(opening.then(({ container }) => container.remove()));
    const { container, path, coldBecause } = opened;
    let ending: NodeJS.Timeout | undefined;
    let ended = false;
    let filesAreLost = false;
    const kill = (): void => {
      if (ended) return;
      container.readOn();
      container.order(encodeFrame(ORDER.kill)).catch(() => undefined);
      ending ??= setTimeout(() => void container.remove().catch(() => undefined), KILL_AGAIN_MS);
    };
    const cause = firstCause(run.limits, signal, kill);
    container.onNotice((what) => cause.end({ kind: what === 'full' ? 'disk_limit' : 'oom' }));
    const startedAt = performance.now();

    const end = (async (): Promise<Ended> => {
      try {
        const report = await container.next('ended');
        cause.settle();
        return { exit: cause.get() ?? exitIn(report), usage: usageIn(report) };
      } catch (error) {
        cause.settle();
        const usage = { wallMs: performance.now() - startedAt, cpuMs: 0, maxRssBytes: 0 };
        const exit: Exit | undefined = cause.get() ?? ((await container.ranOutOfMemory()) ? { kind: 'oom' } : undefined);
        await container.remove().catch(() => undefined);
        if (exit !== undefined) {
          filesAreLost = true;
          return { exit, usage };
        }
        throw new SandboxLost('the container was lost', { cause: error });
      } finally {
        ended = true;
        clearTimeout(ending);
      }
    })();
    end.catch(() => undefined);

    let disposed: Promise<void> | undefined;
    const self: Running = {
      path,
      coldBecause,
      output: readOutput(container, run.limits.outputBytes, () => cause.end({ kind: 'output_limit' })),
      ended: end,
      async *collect(bounds, leftOut) {
        if (filesAreLost) return leftOut({ name: 'everything', reason: 'the container ended with the program' });
        try {
          if ((await end).exit.kind === 'oom') await container.giveMemory(COLLECTING_BYTES);
          await container.order(encodeFrame(ORDER.collect, bounds));
          yield* collectFrames(container.frames(), bounds, leftOut);
        } catch (error) {
          // How the program ended is known: that stands, whatever becomes of its files.
          leftOut({ name: 'everything else', reason: error instanceof Error ? error.message : String(error) });
        }
      },
      dispose() {
        disposed ??= (async () => {
          container.stdout.destroy();
          container.stderr.destroy();
          try {
            await container.remove();
            await end.catch(() => undefined);
          } finally {
            running.delete(self);
          }
        })();
        return disposed;
      },
    };
    running.add(self);
    return self;
  }

  const describe = createDescribe(start);

  return {
    name: 'docker',

    async check() {
      if (connection === undefined) {
        const found = await connect(options.engine, options.runtime);
        connection = { ...found, networks: createNetworks(found, options), owner: await nameFor(found.client) };
      }
      const { client, networks, health } = connection;
      const unremoved = await sweep(client);
      // An engine that fails now is heard of by the next job.
      sweeping ??= setInterval(() => void sweep(engine().client).catch(() => undefined), SWEEP_MS).unref();
      const outbound = await networks.find();
      const { guarantees } = health;
      const notes = [...health.notes, ...unremoved.map((what) => `a container that is left over could not be removed: ${what}`)];
      if (outbound.possible || options.egress?.allowed !== true) return { guarantees, outbound, notes };
      return { guarantees, outbound, notes: [...notes, `net_policy can only be none here (${outbound.reason}): ${outbound.remedy}`] };
    },

    anticipate(interpreter) {
      if (options.warm === undefined || !('image' in interpreter) || warm?.interpreter.image === interpreter.image) return;
      const { limits, events } = options.warm;
      const before = warm;
      warm = createWarmStarts({
        ...options.warm,
        client: engine().client,
        plan: planFor(interpreter, limits),
        canUpdate: engine().canUpdate,
        filter: filter(),
        interpreter,
      });
      before?.close().catch((error: unknown) => events.trouble('warm containers could not be removed', error));
    },

    start,

    describe: (image) => describe(engine(), image),

    buildCommand: (image) => buildCommand(image, connection?.podman ?? false),

    async close() {
      // What can't be removed keeps nothing else from being.
      await Promise.allSettled([...running].map((each) => each.dispose()));
      await warm?.close().catch(() => undefined);
      warm = undefined;
      clearInterval(sweeping);
      sweeping = undefined;
      // Who is killed beside us and never started again leaves nothing either, as when all of a compose file is taken down.
      if (connection !== undefined) await sweep(connection.client).catch(() => undefined);
      connection?.client.close();
      connection = undefined;
    },
  };
}

/** One process of an interpreter uses no more than it may. */
const threadsFor = (limits: Limits): number => Math.min(CORES, Math.max(1, Math.ceil(limits.cpus)));

const usageIn = ({ wallMs, cpuMs, maxRssBytes }: EndReport): Ended['usage'] => ({ wallMs, cpuMs, maxRssBytes });

function exitIn(report: EndReport): Exit {
  const own = exitOf(report);
  const failed = own.kind === 'signaled' || own.code !== 0;
  if (report.oomKills > 0) return { kind: 'oom' };
  return failed && report.full ? { kind: 'disk_limit' } : own;
}
