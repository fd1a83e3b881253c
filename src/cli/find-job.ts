import type { Client, Job } from '../client/client.ts';
import { CliFailure } from './failure.ts';

const WHOLE_ID = /^[0-9a-f]{32}$/;
const PREFIX = /^[0-9a-f]{1,31}$/;
/** So many of the newest jobs are looked through. */
const MAX_SEARCHED = 2000;
const PAGE = 200;
/** The time in an id: nearly always enough to tell two jobs apart. */
const SHORT_LENGTH = 12;

/** The id of a job from its beginning, where only one job's begins so. */
export async function findJob(client: Client, given: string): Promise<string> {
  const wanted = given.toLowerCase().replaceAll('-', '');
  if (WHOLE_ID.test(wanted)) return wanted;
  if (!PREFIX.test(wanted)) throw new CliFailure(`"${given}" is no id of a job.`, '`job-runner ps` lists the jobs');
  const found: string[] = [];
  let searched = 0;
  for await (const { id } of client.listAll({ limit: PAGE })) {
    if (id.startsWith(wanted)) found.push(id);
    if (found.length > 1 || ++searched >= MAX_SEARCHED) break;
  }
  const [id] = found;
  if (found.length > 1) throw new CliFailure(`More than one job's id begins with "${given}".`, 'give more of it: `job-runner ps --all`');
  if (id === undefined) throw new CliFailure(`There is no job whose id begins with "${given}".`, '`job-runner ps` lists the jobs');
  return id;
}

/** Ids as short as they can be among these jobs without becoming one another. */
export function shortIds(jobs: readonly Pick<Job, 'id'>[]): Map<string, string> {
  let length = SHORT_LENGTH;
  while (length < 32 && new Set(jobs.map(({ id }) => id.slice(0, length))).size < jobs.length) length += 2;
  return new Map(jobs.map(({ id }) => [id, id.slice(0, length)]));
}
