import { runnerEntry, says } from '../jobs/runner-lines.ts';
import type { OwnJobs } from '../jobs/own-jobs.ts';
import type { JobRecord } from '../store/store.ts';

export interface Output {
  stdout: string;
  stderr: string;
  /** Both, as they came. */
  output: string;
}

/** What a finished job's last attempt printed, without what the runner says. Its output limit bounds the length. */
export async function outputOf(jobs: Pick<OwnJobs, 'follow'>, { id }: JobRecord): Promise<Output> {
  const starting = runnerEntry(says.starting(id), 0).text;
  let printed: Output = { stdout: '', stderr: '', output: '' };
  for await (const chunk of jobs.follow(id, 0, new AbortController().signal)) {
    for (const { stream, text } of chunk) {
      if (stream !== 'runner') {
        printed[stream] += text;
        printed.output += text;
      } else if (text === starting) printed = { stdout: '', stderr: '', output: '' };
    }
  }
  return printed;
}
