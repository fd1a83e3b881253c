import type { JobEvent } from '../client/client.ts';
import { printJson, styled, write } from './terminal.ts';

/** What the exit code and our last words say anyway. */
const SAID_ELSEWHERE = /^\[runner\] (starting job |finished with code |entry file not found|canceled before|.*process terminated$)/;

export interface FollowOptions {
  json: boolean;
  /** All of the runner's own lines, or only those that say something new. */
  verbose: boolean;
}

/** Shows one event: the program's streams on ours, the runner's words on stderr; or all of it as lines of JSON. */
export async function showEvent(event: JobEvent, { json, verbose }: FollowOptions): Promise<void> {
  if (json) return printJson(event);
  if (event.type === 'stdout') await write(process.stdout, event.text);
  if (event.type === 'stderr') await write(process.stderr, event.text);
  if (event.type === 'runner' && (verbose || !SAID_ELSEWHERE.test(event.text.trimEnd()))) {
    await write(process.stderr, `${styled('dim', event.text.trimEnd(), process.stderr)}\n`);
  }
}
