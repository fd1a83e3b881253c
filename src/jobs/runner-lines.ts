import type { NewLogEntry } from '../store/store.ts';

/** What the runner itself says in a job's log. The first four sentences are the original service's, word for word. */

/** Names come from clients: control characters must not make one line look like two. */
const printable = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- the control characters are what it is about
  text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

export const says = {
  starting: (jobId: string) => `starting job ${jobId}`,
  entryNotFound: (entry: string) => `entry file not found: ${entry}`,
  timeout: () => 'timeout exceeded, process terminated',
  finished: (code: number) => `finished with code ${code}`,
  outOfMemory: () => 'out of memory, process terminated',
  outputLimit: () => 'output limit exceeded, process terminated',
  diskLimit: () => 'disk limit exceeded, process terminated',
  canceled: () => 'canceled, process terminated',
  canceledInQueue: () => 'canceled before it started',
  handedBack: () => 'the worker is shutting down; the job goes back to the queue',
  noDescriptors: () => 'the worker has no descriptors left for the moment; the job goes back to the queue',
  sandboxAway: () => 'the worker can start nothing for the moment; the job goes back to the queue',
  retrying: (attempt: number, of: number) => `the worker was lost in attempt ${attempt} of ${of}; the job goes back to the queue`,
  workerLost: () => 'the worker was lost and no attempts are left',
  startingAgain: () => 'the interpreter was lost through no fault of the program; starting again with a new one',
  noNetwork: (reason: string) => `the network that the job asks for can’t be had here: ${reason}`,
  internal: (reference: string) => `internal error of the runner, not of the program (reference ${reference})`,
  leftOut: (name: string, reason: string) => `left out of the artifacts: ${name}: ${reason}`,
} as const;

export const runnerEntry = (text: string, at: number): NewLogEntry => ({ stream: 'runner', at, text: `[runner] ${printable(text)}\n` });
