import type { JobSpec } from '../api/spec.ts';
import type { JobRecord } from '../store/store.ts';
import type { Sender, Submitter } from './submit.ts';

export interface ProgramFile {
  path: string;
  content: AsyncIterable<Uint8Array>;
}

/** Accepts a job whose files are at hand. @throws ApiError what submitting throws */
export const submitProgram = (
  submitter: Submitter,
  sender: Sender,
  spec: Partial<JobSpec>,
  files: readonly ProgramFile[],
): Promise<JobRecord> =>
  submitter.submit(sender, async (upload) => {
    const written = [];
    for (const { path, content } of files) written.push({ area: 'code' as const, path, ...(await upload.write('code', path, content)) });
    return { specText: JSON.stringify(spec), files: written, errors: [] };
  });
