import { realpath } from 'node:fs/promises';
import { OLDEST_MINOR } from './candidates.ts';
import { bareEnvironment } from './child-environment.ts';
import { runProgram } from './run-program.ts';
import type { HostInterpreter } from './runtime.ts';

export interface Found {
  /** `3.12.1`. */
  version: string;
  interpreter: HostInterpreter;
}

/** Far more than any working interpreter takes; the service's start waits for it. */
const PROBE_TIMEOUT_MS = 5000;

// Lines rather than JSON: importing json would double the time of each probe.
const QUESTION = `
import sys
for answer in (
    sys.implementation.name,
    sys.version_info.releaselevel,
    "%d.%d.%d" % sys.version_info[:3],
    sys.base_prefix,
    getattr(sys, "_base_executable", "") or sys.executable,
    sys.abiflags,
): print(answer)
`;

/** Asks a program whether it is an interpreter that jobs can run on. Undefined when not: broken, hanging, too old, not CPython. */
export async function probe(path: string, timeoutMs = PROBE_TIMEOUT_MS): Promise<Found | undefined> {
  const end = await runProgram(path, ['-I', '-S', '-c', QUESTION], { env: bareEnvironment(), timeoutMs });
  if (end.code !== 0) return undefined;
  const [implementation, level, version = '', answeredPrefix = '', answeredExecutable = '', abiFlags = ''] = end.stdout.split('\n');
  const [major, minor] = version.split('.').map(Number);
  if (implementation !== 'cpython' || level !== 'final' || major !== 3 || minor === undefined || minor < OLDEST_MINOR) return undefined;
  // The free-threaded build's libraries lie elsewhere, and few packages have wheels for it.
  if (abiFlags.includes('t')) return undefined;

  const prefix = await realpath(answeredPrefix).catch(() => undefined);
  const executable = await realpath(answeredExecutable).catch(() => undefined);
  // Only so can the sandbox show an interpreter to jobs by binding its one folder.
  if (prefix === undefined || executable === undefined || !executable.startsWith(`${prefix}/`)) return undefined;
  return { version, interpreter: { executable, prefix, series: `${major}.${minor}` } };
}
