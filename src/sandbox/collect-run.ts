import { opendirSync } from 'node:fs';
import type { OutputFile } from '../artifacts/artifacts.ts';
import { changedFiles } from './changed-files.ts';
import { collectFolder } from './collect.ts';
import type { CollectBounds, LeftOut } from './sandbox.ts';

export interface RunFolders {
  output: string;
  /** Of a writable workspace: the upload, which is ours, and the program's copy of it. */
  workspace: { original: string; copy: string } | undefined;
}

function isEmpty(path: string): boolean {
  const folder = opendirSync(path);
  try {
    return folder.readSync() === null;
  } finally {
    folder.closeSync();
  }
}

/** What a run left: its output folder, then what it added or changed in a writable workspace. The bounds hold for both together. */
export async function* collectRun(
  folders: RunFolders,
  bounds: CollectBounds,
  leftOut: (what: LeftOut) => void,
): AsyncGenerator<OutputFile> {
  const begun = performance.now();
  let files = 0;
  let bytes = 0;
  // Most programs leave nothing. To look is no risk, whatever it is that is looked at.
  if (folders.workspace === undefined && isEmpty(folders.output)) return;
  for await (const file of collectFolder(folders.output, bounds, leftOut)) {
    files += 1;
    bytes += file.size;
    yield file;
  }
  if (folders.workspace === undefined) return;
  const rest: CollectBounds = {
    ...bounds,
    maxFiles: bounds.maxFiles - files,
    maxBytes: bounds.maxBytes - bytes,
    maxMs: Math.max(0, bounds.maxMs - (performance.now() - begun)),
  };
  yield* changedFiles(folders.workspace.original, folders.workspace.copy, rest, leftOut);
}
