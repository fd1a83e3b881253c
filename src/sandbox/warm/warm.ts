import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostInterpreter } from '../../runtimes/runtime.ts';
import type { HostRun } from '../host-run.ts';
import type { ColdReason } from '../sandbox.ts';
import type { Slot } from '../slot.ts';
import { shadows, whyCold } from './eligible.ts';
import { serverArgs, serveSteps } from './plan.ts';
import { createWarmPool, type PoolEvents, type PoolRules, type WarmPool } from './pool.ts';
import { importsOf, parseSections, sectionNeeded, sectionsFor } from './sections.ts';
import { startForkServer, type ForkServer } from './server.ts';
import { makeSlot, type SlotParts } from './slot.ts';

export interface WarmOptions extends SlotParts {
  rules: PoolRules;
  events: PoolEvents;
}

export interface WarmStarts {
  /** Keeps an interpreter warm, and no longer the one that was named before. Others are from their first job until nobody has used them for a while. */
  anticipate(interpreter: HostInterpreter): void;
  /** Or why this run starts cold. */
  take(run: HostRun): Promise<Slot | ColdReason>;
  close(): Promise<void>;
}

/** How long a pool without jobs lives. */
const IDLE_MS = 600_000;
const LOOK_EVERY_MS = 60_000;
/** Importing numpy, pandas and matplotlib from a cold disk takes its time. */
const START_MS = 60_000;

const SECTIONS = join(import.meta.dirname, '../../../runtimes/python/imports.txt');

/** Warm starts for Python runtimes: a pool of forked, isolated processes for each interpreter in use. */
export async function createWarmStarts(options: WarmOptions): Promise<WarmStarts> {
  const sections = parseSections(await readFile(SECTIONS, 'utf8'));
  const pools = new Map<string, { pool: WarmPool; usedAt: number; imported: ReadonlySet<string> }>();
  let anticipated = '';
  let servers = 0;

  const startServer = async (interpreter: HostInterpreter, section: number): Promise<ForkServer> => {
    const { host, users } = options;
    const argsFile = join(host.workDir, `server-${++servers}`);
    // Opened by the server's own user.
    await writeFile(argsFile, `${serverArgs(host, interpreter).join('\0')}\0`, { mode: 0o644 });
    const imports = importsOf(sections, section);
    try {
      return await startForkServer(host.perl, serveSteps(host, users, interpreter, imports, argsFile), START_MS);
    } finally {
      await rm(argsFile);
    }
  };
  // What is installed in an environment doesn't change once it is ready.
  const possibleFor = new WeakMap<HostInterpreter, readonly number[]>();
  const possibleSections = (interpreter: HostInterpreter): readonly number[] => {
    const known = possibleFor.get(interpreter);
    if (known !== undefined) return known;
    const possible = sectionsFor(interpreter, sections);
    possibleFor.set(interpreter, possible);
    return possible;
  };
  const keyOf = (interpreter: HostInterpreter): string => JSON.stringify([interpreter.executable, interpreter.venv]);
  const poolFor = (interpreter: HostInterpreter, section: number): { pool: WarmPool; imported: ReadonlySet<string> } => {
    const key = `${keyOf(interpreter)} ${section}`;
    const known = pools.get(key);
    if (known !== undefined) {
      known.usedAt = performance.now();
      return known;
    }
    const start = async (): Promise<ForkServer> => {
      const server = await startServer(interpreter, section);
      entry.imported = server.imported;
      return server;
    };
    const make = (server: ForkServer): Promise<Slot> => makeSlot(options, server, interpreter);
    const pool = createWarmPool(start, make, options.rules, options.events);
    const entry = { pool, usedAt: performance.now(), imported: new Set<string>() as ReadonlySet<string> };
    pools.set(key, entry);
    return entry;
  };
  const closing = setInterval(() => {
    for (const [key, { pool, usedAt }] of pools) {
      // A job may take longer than that, and would end with its server.
      if (key.startsWith(anticipated) || performance.now() - usedAt < IDLE_MS || pool.isBusy()) continue;
      pools.delete(key);
      void pool.close();
    }
  }, LOOK_EVERY_MS);
  closing.unref();

  return {
    anticipate(interpreter) {
      anticipated = keyOf(interpreter);
      for (const section of possibleSections(interpreter)) poolFor(interpreter, section);
    },
    async take(run) {
      const why = whyCold(run);
      if (why !== undefined) return why;
      const possible = possibleSections(run.interpreter);
      const needed = sectionNeeded(run.codeDir, run.entry, sections, possible);
      // Where one with all that it needs isn't there yet, one with some of it still is better than none.
      let reason: ColdReason | undefined;
      for (const section of possible.filter((each) => each <= needed).toReversed()) {
        const { pool, imported } = poolFor(run.interpreter, section);
        const slot = shadows(run, imported) ? 'shadows' : await pool.take();
        if (typeof slot === 'object') return slot;
        reason ??= slot;
      }
      return reason ?? 'starting';
    },
    async close() {
      clearInterval(closing);
      await Promise.all([...pools.values()].map(({ pool }) => pool.close()));
    },
  };
}
