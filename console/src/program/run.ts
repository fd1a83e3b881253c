import { signal } from '@preact/signals';
import { client } from '../connection.ts';
import { focusField } from '../form/focus.ts';
import { forget, problems, problemsOf } from '../form/problems.ts';
import { go } from '../route.ts';
import { codeFiles, entryPath, inputFiles, settings } from './draft.ts';
import { keepProgram } from './kept.ts';
import { currentSubmission, hasEntry } from './submission.ts';

export const isSubmitting = signal(false);

/** Sends the program as it stands and goes to its job. */
export async function run(): Promise<void> {
  if (isSubmitting.peek()) return;
  forget();
  if (!hasEntry()) {
    problems.value = {
      general: [],
      fields: { entry: [{ at: undefined, detail: `there is no ${entryPath.value} among the program’s files` }] },
    };
    requestAnimationFrame(() => focusField('entry'));
    return;
  }
  isSubmitting.value = true;
  try {
    const { job_id: id } = await client.peek().submit(currentSubmission());
    // A browser that keeps nothing must not keep anybody from running.
    await keepProgram({ id, at: Date.now(), code: codeFiles.peek(), input: inputFiles.peek(), settings: settings.peek() }).catch(
      () => undefined,
    );
    go({ page: 'job', id });
  } catch (error) {
    problems.value = problemsOf(error);
    const first = Object.keys(problems.peek().fields)[0];
    if (first !== undefined) requestAnimationFrame(() => focusField(first));
  } finally {
    isSubmitting.value = false;
  }
}
