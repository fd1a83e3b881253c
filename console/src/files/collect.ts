import type { CodeFile, InputFile } from '../program/settings.ts';

/** Files out of what was dropped or picked, with the folders that they were in. */

export interface Found {
  path: string;
  file: File;
}

/** What programs and machines leave beside source, and nobody means to send. */
const IGNORED = /(^|\/)(__pycache__|\.git|\.venv|node_modules|\.DS_Store)(\/|$)/;
const MAX_TEXT_BYTES = 1024 ** 2;

const fileOf = (entry: FileSystemFileEntry): Promise<File> => new Promise((resolve, reject) => entry.file(resolve, reject));

async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    // A reader gives some at a time, and none when there are no more.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function walk(entry: FileSystemEntry, into: Found[]): Promise<void> {
  const path = entry.fullPath.replace(/^\//, '');
  if (IGNORED.test(path)) return;
  if (entry.isFile) into.push({ path, file: await fileOf(entry as FileSystemFileEntry) });
  else for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) await walk(child, into);
}

/** Must be called while the event is handled: afterwards a browser forgets what was dropped. */
export async function droppedFiles(transfer: DataTransfer): Promise<Found[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const found: Found[] = [];
  if (entries.length === 0) return [...transfer.files].map((file) => ({ path: file.name, file }));
  for (const entry of entries) await walk(entry, found);
  return found;
}

export const pickedFiles = (list: FileList): Found[] =>
  [...list].map((file) => ({ path: file.webkitRelativePath || file.name, file })).filter(({ path }) => !IGNORED.test(path));

/** A folder that was sent as the program is the program: its name is not part of its files' paths. */
function withoutCommonFolder(found: Found[]): Found[] {
  const first = found[0]?.path.split('/')[0];
  const isOneFolder = found.length > 0 && found.every(({ path }) => path.startsWith(`${first}/`));
  return isOneFolder ? found.map(({ path, file }) => ({ path: path.slice(path.indexOf('/') + 1), file })) : found;
}

async function textOf(file: File): Promise<string | undefined> {
  if (file.size > MAX_TEXT_BYTES) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

export const codeFilesOf = (found: Found[]): Promise<CodeFile[]> =>
  Promise.all(
    withoutCommonFolder(found).map(async ({ path, file }) => {
      const text = await textOf(file);
      return text === undefined ? { path, blob: file } : { path, text };
    }),
  );

export const inputFilesOf = (found: Found[]): InputFile[] => found.map(({ path, file }) => ({ path, blob: file }));
