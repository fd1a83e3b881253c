import type { ImageInterpreter } from '../../runtimes/runtime.ts';
import type { ColdReason, Limits } from '../sandbox.ts';
import { shadows, whyCold } from '../warm/eligible.ts';
import { importsOf, packageOf, parseSections, sectionNeeded } from '../warm/sections.ts';
import type { EngineClient } from './client.ts';
import { openContainer, type Container } from './container.ts';
import { encodeFrame, ORDER } from './frames.ts';
import { ordersForText } from './given.ts';
import { ROOM_AHEAD, resources, setUpOrder, warmOrder, withImports, type ContainerPlan, type Given, type ImageRun } from './plan.ts';
import { AGENT, IMPORTS, MODULES } from './sources.ts';
import { createWarmContainers, type WarmContainer, type WarmContainers, type WarmEvents, type WarmRules } from './warm-pool.ts';

export interface WarmOptions {
  rules: WarmRules;
  /** What containers are made for, as most jobs are. Jobs with another disk limit start cold; all else is changed when a job comes. */
  limits: Limits;
  events: WarmEvents;
}

export interface WarmStartParts extends WarmOptions {
  client: EngineClient;
  /** Whether engine and runtime can change the limits of what runs. Where not, jobs with limits of their own start cold. */
  canUpdate: boolean;
  plan: Omit<ContainerPlan, 'bootstrap' | 'given'>;
  filter: Buffer;
  interpreter: ImageInterpreter;
}

export interface WarmStarts {
  interpreter: ImageInterpreter;
  /** A container that waits for a job such as this one, with the job's limits; or why the job starts cold. */
  take(run: ImageRun, given: Given): Promise<Container | ColdReason>;
  close(): Promise<void>;
}

/** On a busy machine; pandas and matplotlib take seconds on a quiet one. */
const IMPORTS_MS = 180_000;

const SECTIONS = parseSections(IMPORTS);

const hasSameResources = (one: Limits, other: Limits): boolean =>
  one.memoryBytes === other.memoryBytes && one.cpus === other.cpus && one.pids === other.pids;

/** Whether a container can be had for a run: the size of its one writable place can't be changed any more. */
const fits = ({ limits }: ImageRun, given: Given, madeFor: Limits, canUpdate: boolean): boolean =>
  limits.diskBytes === madeFor.diskBytes &&
  given.bytes <= ROOM_AHEAD.bytes &&
  given.inodes <= ROOM_AHEAD.inodes &&
  (canUpdate || hasSameResources(limits, madeFor));

/** How many containers wait when all is made, by the section that they have imported: those of the library, and those of which the image has a package. */
export function containersAhead(interpreter: ImageInterpreter, rules: WarmRules): Map<number, number> {
  const has = (name: string): boolean => interpreter.packages.includes(packageOf(name));
  const possible = SECTIONS.flatMap(({ library, names }, index) => (library || names.some(has) ? [index] : []));
  return new Map(possible.map((index) => [index, index === 0 ? rules.size : 1]));
}

/**
 * Warm starts for one image: containers that wait, for each set of packages that programs use. One has imported no more than
 * that: each is used once, and its imports are paid for each job.
 */
export function createWarmStarts(parts: WarmStartParts): WarmStarts {
  const { interpreter, rules, limits, events, canUpdate } = parts;
  const pools = new Map<number, WarmContainers>();
  for (const [index, size] of containersAhead(interpreter, rules)) {
    const imports = importsOf(SECTIONS, index);
    pools.set(
      index,
      createWarmContainers(() => openWarm(parts, imports), { ...rules, size }, events),
    );
  }
  const possible = [...pools.keys()];

  return {
    interpreter,
    async take(run, given) {
      const why = whyCold(run);
      if (why !== undefined) return why;
      if (!fits(run, given, limits, canUpdate)) return 'limits';
      const taken = await pools.get(sectionNeeded(run.codeDir, run.entry, SECTIONS, possible))?.take();
      if (taken === undefined || typeof taken === 'string') return taken ?? 'starting';
      try {
        if (!shadows(run, taken.imported)) {
          await adjust(parts, taken.container, run);
          return taken.container;
        }
        await taken.container.remove();
        return 'shadows';
      } catch (error) {
        events.trouble('a warm container could not be given its limits; the job starts cold', error);
        await taken.container.remove();
        return 'limits';
      }
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}

/** Makes a container whose interpreter has imported what it is told, and waits for its job. */
async function openWarm({ client, plan, filter, interpreter, limits }: WarmStartParts, imports: readonly string[]): Promise<WarmContainer> {
  const whole = { ...plan, limits: withImports(limits), given: ROOM_AHEAD };
  const container = await openContainer(client, whole);
  try {
    const files = Object.entries({ ...MODULES, ...AGENT }).flatMap(([path, text]) => ordersForText(path, text));
    await container.order(
      encodeFrame(ORDER.setUp, setUpOrder(whole, filter, true)),
      ...files,
      encodeFrame(ORDER.warm, warmOrder(interpreter, imports)),
    );
    const { imported } = await container.next('ready', IMPORTS_MS);
    return { container, imported: new Set(imported) };
  } catch (error) {
    await container.remove().catch(() => undefined);
    throw error;
  }
}

/** Gives a run the limits that it asks for. */
async function adjust({ client, plan, limits: madeFor }: WarmStartParts, container: Container, run: ImageRun): Promise<void> {
  if (hasSameResources(run.limits, madeFor)) return;
  await client.call(
    'POST',
    `/containers/${container.id}/update`,
    resources({ ...plan, limits: withImports(run.limits), given: ROOM_AHEAD }),
  );
}
