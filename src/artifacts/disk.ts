import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { chmod, lstat, mkdir, open, opendir, readdir, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { ApiError, errnoOf, StartError } from '../errors.ts';
import type { Artifacts, OpenArtifact, Upload } from './artifacts.ts';
import { contentType } from './content-type.ts';
import { isJobId, problemOfPath } from './path.ts';

/** Folders inside a job's, readable for the user that the job runs as; the folder above them all lets nobody else in. */
const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

const missing = (error: unknown): undefined => {
  if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
  throw error;
};

/** Removes a tree, also one with folders that nobody may enter or that is deeper than a path can be long. */
async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await openFolders(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function openFolders(path: string): Promise<void> {
  const found = await lstat(path).catch(missing);
  if (found?.isDirectory() !== true) return;
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await openFolders(join(path, entry.name));
  }
}

interface Written {
  size: number;
  sha256: string;
}

async function writeAll(handle: FileHandle, content: AsyncIterable<Uint8Array>): Promise<Written> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const part of content) {
    hash.update(part);
    size += part.length;
    await handle.writeFile(part);
  }
  return { size, sha256: hash.digest('hex') };
}

/** Makes the folders on the way to a file, with our mode whatever the umask. */
async function makeFolders(root: string, segments: readonly string[]): Promise<void> {
  let folder = root;
  for (const segment of segments) {
    folder = join(folder, segment);
    try {
      await mkdir(folder);
      await chmod(folder, FOLDER_MODE);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || !(await lstat(folder)).isDirectory()) throw error;
    }
  }
}

/**
 * Files of jobs in a folder of this host: `<id>/code`, `<id>/input`, `<id>/output`. Uploads grow under `staging/` and
 * move to their place in one step.
 */
export function createDiskArtifacts({ dir }: { dir: string }): Artifacts {
  const staging = join(dir, 'staging');
  const keeping = join(dir, 'keeping');
  const jobDir = (id: string): string => {
    if (!isJobId(id)) throw new Error(`not a job id: ${id}`);
    return join(dir, id);
  };
  let serial = 0;

  return {
    name: 'disk',

    async check() {
      try {
        await mkdir(dir, { recursive: true, mode: 0o700 });
        await chmod(dir, 0o700);
        for (const folder of [staging, keeping]) await mkdir(folder, { recursive: true });
        const probe = join(dir, `probe-${process.pid}-${++serial}`);
        await writeFile(probe, 'probe', { flag: 'wx' });
        await rm(probe);
      } catch (error) {
        const code = errnoOf(error) ?? String(error);
        const remedy =
          code === 'ENOSPC' || code === 'EDQUOT'
            ? 'free some room, or set JOB_DATA_DIR to a folder on another disk'
            : 'set JOB_DATA_DIR to a folder that this user may write to';
        throw new StartError(`Files can't be written to ${dir} (${code}).`, remedy, error);
      }
    },

    async sweep() {
      for (const folder of [staging, keeping]) {
        for (const name of await readdir(folder)) await removeTree(join(folder, name));
      }
    },

    async stage(jobId): Promise<Upload> {
      const home = join(staging, jobDir(jobId).slice(dir.length + 1));
      const areas = ['code', 'input', 'output'];
      await mkdir(home);
      await chmod(home, FOLDER_MODE);
      for (const area of areas) await makeFolders(home, [area]);
      let live = true;
      return {
        async write(area, path, content) {
          const problem = problemOfPath(path);
          if (problem !== undefined) throw new ApiError('invalid_spec', `the file name ${problem}`);
          const segments = path.split('/');
          const target = join(home, area, path);
          let handle: FileHandle;
          try {
            await makeFolders(join(home, area), segments.slice(0, -1));
            handle = await open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
          } catch (error) {
            if (errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOTDIR') {
              throw new ApiError('invalid_spec', 'the same path was sent twice, or once as a file and once as a folder', { cause: error });
            }
            throw error;
          }
          try {
            const written = await writeAll(handle, content);
            await handle.chmod(FILE_MODE);
            return written;
          } finally {
            await handle.close();
          }
        },
        async commit() {
          live = false;
          await rename(home, jobDir(jobId));
        },
        async discard() {
          if (live) await removeTree(home);
          live = false;
        },
      };
    },

    async inputs(jobId) {
      const home = jobDir(jobId);
      return { codeDir: join(home, 'code'), inputDir: join(home, 'input'), dispose: async () => undefined };
    },

    async keep(jobId, file) {
      const problem = problemOfPath(file.name);
      if (problem !== undefined) throw new Error(`the name ${problem}`);
      const output = join(jobDir(jobId), 'output');
      const temporary = join(keeping, `${jobId}-${++serial}`);
      try {
        const handle = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
        let written: Written;
        try {
          written = await writeAll(handle, file.open());
        } finally {
          await handle.close();
        }
        await makeFolders(output, file.name.split('/').slice(0, -1));
        await rename(temporary, join(output, file.name));
        return { name: file.name, ...written, content_type: contentType(file.name) };
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },

    async clearOutputs(jobId) {
      const output = join(jobDir(jobId), 'output');
      await removeTree(output);
      await makeFolders(jobDir(jobId), ['output']);
    },

    async open(jobId, name): Promise<OpenArtifact | undefined> {
      if (!isJobId(jobId) || problemOfPath(name) !== undefined) return undefined;
      const path = join(jobDir(jobId), 'output', name);
      const found: Stats | undefined = await lstat(path).catch(missing);
      if (found?.isFile() !== true) return undefined;
      return {
        size: found.size,
        modifiedAt: found.mtimeMs,
        stream: (range) => Readable.from(readFile(path, range)),
      };
    },

    async remove(jobId) {
      await removeTree(jobDir(jobId));
    },

    async *ids() {
      for await (const entry of await opendir(dir)) {
        if (!entry.isDirectory() || !isJobId(entry.name)) continue;
        const found = await stat(join(dir, entry.name)).catch(missing);
        if (found !== undefined) yield { id: entry.name, modifiedAt: found.mtimeMs };
      }
    },

    async close() {
      // Nothing is kept open.
    },
  };
}

const PART_BYTES = 256 * 1024;

/** The bytes of a file as they were when it was opened: a file that was replaced meanwhile is still the old one to its reader. */
async function* readFile(path: string, range?: { start: number; end: number }): AsyncGenerator<Buffer> {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW);
  try {
    let at = range?.start ?? 0;
    const end = range?.end ?? (await handle.stat()).size - 1;
    while (at <= end) {
      const part = Buffer.allocUnsafe(Math.min(PART_BYTES, end - at + 1));
      const { bytesRead } = await handle.read(part, 0, part.length, at);
      if (bytesRead === 0) throw new Error(`${dirname(path)}: a file is shorter than it was`);
      at += bytesRead;
      yield part.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
