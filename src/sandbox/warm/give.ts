import { closeSync, fchmodSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { GIVEN_BYTES, GIVEN_FILES } from './plan.ts';

interface Found {
  folders: string[];
  files: { path: string; bytes: Buffer; mode: number }[];
}

/**
 * Copies the files below `source`, our own copy of an upload, to `target`, which nobody else writes to: at once, for they are few
 * and small. False, with nothing copied, when they are not.
 */
export function give(source: string, target: string): boolean {
  const found = read(source);
  if (found === undefined) return false;
  for (const folder of found.folders) mkdirSync(join(target, folder), { mode: 0o755 });
  for (const { path, bytes, mode } of found.files) {
    const file = openSync(join(target, path), 'wx');
    try {
      writeFileSync(file, bytes);
      // Whatever this process's umask.
      fchmodSync(file, mode);
    } finally {
      closeSync(file);
    }
  }
  return true;
}

/** Undefined where there is more than is to be copied, or something else than files and folders. */
function read(source: string): Found | undefined {
  const found: Found = { folders: [], files: [] };
  let left = GIVEN_BYTES;
  const folders = [''];
  for (const folder of folders) {
    const entries: Dirent[] = readdirSync(join(source, folder), { withFileTypes: true });
    if (entries.length + found.files.length + folders.length > GIVEN_FILES) return undefined;
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        folders.push(path);
        found.folders.push(path);
        continue;
      }
      if (!entry.isFile()) return undefined;
      const file = openSync(join(source, path), 'r');
      try {
        const { size, mode } = fstatSync(file);
        left -= size;
        if (left < 0) return undefined;
        found.files.push({ path, bytes: readFileSync(file), mode: mode & 0o777 });
      } finally {
        closeSync(file);
      }
    }
  }
  return found;
}
