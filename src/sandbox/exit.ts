import { constants } from 'node:os';
import type { Report } from './launcher.ts';
import type { Exit } from './sandbox.ts';

const signalName = (number: number): string =>
  Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `SIG${number}`;

/** How the program ended by itself. Without a report its init was killed from outside, and the program with it. */
export function exitOf(report: Report | undefined): Extract<Exit, { kind: 'exited' | 'signaled' }> {
  if (report === undefined) return { kind: 'signaled', signal: 'SIGKILL', number: 9 };
  const number = report.status & 0x7f;
  return number === 0 ? { kind: 'exited', code: report.status >> 8 } : { kind: 'signaled', signal: signalName(number), number };
}
