import type { Job } from '../../../src/client/client.ts';
import { specSchema } from '../schema.ts';
import { change, codeFiles, inputFiles, replaceDraft } from './draft.ts';
import { keptProgram } from './kept.ts';
import type { Program } from './snippets.ts';
import { settingsOf } from './settings.ts';

/** A job's program, as far as it is known here. */
export interface Opened extends Program {
  /** Its files are known, too; of jobs that others have sent only the settings are. */
  isWhole: boolean;
  /** Puts it into the editor and the form. */
  restore(): void;
}

export async function openAgain(job: Job): Promise<Opened> {
  const kept = await keptProgram(job.id).catch(() => undefined);
  if (kept !== undefined) {
    const { code, input, settings } = kept;
    return { code, input, settings, isWhole: true, restore: () => replaceDraft(code, input, settings) };
  }
  const settings = settingsOf(job.spec, specSchema.peek());
  return { code: codeFiles.peek(), input: inputFiles.peek(), settings, isWhole: false, restore: () => change(settings) };
}
