import type { Files, Submission } from '../../../src/client/client.ts';
import { codeFiles, entryPath, inputFiles, settings } from './draft.ts';
import { specOf } from './settings.ts';

/** The program as it stands, ready to be sent. */
export function currentSubmission(): Submission & { code: Files; input: Files } {
  const code: Files = Object.fromEntries(codeFiles.value.map((file) => [file.path, 'text' in file ? file.text : file.blob]));
  const input: Files = Object.fromEntries(inputFiles.value.map(({ path, blob }) => [path, blob]));
  return { ...(specOf(settings.value) as Submission), code, input };
}

/** Whether the program that is to run is among the files at all; the service would find out only when it starts it. */
export const hasEntry = (): boolean => codeFiles.value.some(({ path }) => path === entryPath.value);
