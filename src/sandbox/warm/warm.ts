import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Interpreter } from '../../runtimes/runtime.ts';
import type { RunSpec } from '../sandbox.ts';
import type { Slot } from '../slot.ts';
import { whyCold } from './eligible.ts';
import { serverArgs, serveSteps } from './plan.ts';
import { createWarmPool, type PoolEvents, type PoolRules, type WarmPool } from './pool.ts';
import { startForkServer, type ForkServer } from './server.ts';
import { makeSlot, type SlotParts } from './slot.ts';

export interface WarmOptions extends SlotParts {
  rules: PoolRules;
  events: PoolEvents;
}

export interface WarmStarts {
  /** Keeps an interpreter warm, and no longer the one that was named before. Others are from their first job until nobody has used them for a while. */
  anticipate(interpreter: Interpreter): void;
  /** Undefined: this run starts cold. */
  take(run: RunSpec): Promise<Slot | undefined>;
  close(): Promise<void>;
}

/** How long a pool without jobs lives. */
const IDLE_MS = 600_000;
const LOOK_EVERY_MS = 60_000;
/** Importing numpy, pandas and matplotlib from a cold disk takes its time. */
const START_MS = 60_000;

const AGENT_IMPORTS = join(import.meta.dirname, '../../../runtimes/python/imports.txt');

/** What to import ahead, from its file: a name a line, `#` for remarks. */
export const parseImports = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');

/** Warm starts for Python runtimes: a pool of forked, isolated processes for each interpreter in use. */
export async function createWarmStarts(options: WarmOptions): Promise<WarmStarts> {
  const imports = parseImports(await readFile(AGENT_IMPORTS, 'utf8'));
  const pools = new Map<string, { pool: WarmPool; usedAt: number }>();
  let anticipated: string | undefined;
  let servers = 0;

  const startServer = async (interpreter: Interpreter): Promise<ForkServer> => {
    const argsFile = join(options.host.workDir, `server-${++servers}`);
    const { host, users } = options;
    // Opened by the server's own user.
    await writeFile(argsFile, `${serverArgs(host, interpreter).join('\0')}\0`, { mode: 0o644 });
    try {
      return await startForkServer(host.perl, serveSteps(host, users, interpreter, imports, argsFile), START_MS);
    } finally {
      await rm(argsFile);
    }
  };
  const keyOf = (interpreter: Interpreter): string => JSON.stringify([interpreter.executable, interpreter.venv]);
  const poolFor = (interpreter: Interpreter): WarmPool => {
    const key = keyOf(interpreter);
    const make = (server: ForkServer): Promise<Slot> => makeSlot(options, server, interpreter);
    const pool = pools.get(key)?.pool ?? createWarmPool(() => startServer(interpreter), make, options.rules, options.events);
    pools.set(key, { pool, usedAt: performance.now() });
    return pool;
  };
  const closing = setInterval(() => {
    for (const [key, { pool, usedAt }] of pools) {
      if (key === anticipated || performance.now() - usedAt < IDLE_MS) continue;
      pools.delete(key);
      void pool.close();
    }
  }, LOOK_EVERY_MS);
  closing.unref();

  return {
    anticipate(interpreter) {
      anticipated = keyOf(interpreter);
      poolFor(interpreter);
    },
    async take(run) {
      return run.coldStart === true || whyCold(run) !== undefined ? undefined : poolFor(run.interpreter).take();
    },
    async close() {
      clearInterval(closing);
      await Promise.all([...pools.values()].map(({ pool }) => pool.close()));
    },
  };
}
