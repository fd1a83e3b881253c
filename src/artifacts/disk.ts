import { randomUUID } from 'node:crypto';
import { lstatSync, renameSync, utimesSync } from 'node:fs';
import { chmod, lstat, mkdir, opendir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ApiError, errnoOf, StartError } from '../errors.ts';
import type { Artifacts, OpenArtifact, Upload } from './artifacts.ts';
import { contentType } from './content-type.ts';
import { makeFolders, readParts, writeNew } from './disk-file.ts';
import { isJobId, problemOfPath } from './path.ts';
import { removeTree } from './remove-tree.ts';

/** Nobody but the service gets to a job's folder; what is inside it is readable, for the sandbox mounts it from there. */
const OURS_ALONE = 0o700;

/** A file where a folder should be, or a folder where a file should be, or the same once more. */
const CLASHES = new Set(['EEXIST', 'EISDIR', 'ENOTDIR', 'ENOTEMPTY']);
const isClash = (error: unknown): boolean => CLASHES.has(errnoOf(error) ?? '');

const missing = (error: unknown): undefined => {
  if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
  throw error;
};

/**
 * Files of jobs in a folder of this host: `<id>/code`, `<id>/input`, `<id>/output`, `<id>/log`. What is not whole yet, or not any
 * more, lies in `staging` and `keeping` under names of its own, and moves in one step.
 */
export function createDiskArtifacts({ dir }: { dir: string }): Artifacts {
  const staging = join(dir, 'staging');
  const keeping = join(dir, 'keeping');
  const unfinished = (folder: string, what: string): string => join(folder, `${what}-${randomUUID()}`);
  const jobDir = (id: string): string => {
    if (!isJobId(id)) throw new Error(`not a job id: ${id}`);
    return join(dir, id);
  };

  /** Gone at once for everybody, also for those who still write there, however long the removing takes. */
  async function removeAtOnce(path: string): Promise<void> {
    const gone = unfinished(staging, 'removed');
    try {
      await rename(path, gone);
    } catch (error) {
      return missing(error);
    }
    await removeTree(gone);
  }

  async function openFile(path: string): Promise<OpenArtifact | undefined> {
    const found = await lstat(path).catch(missing);
    if (found?.isFile() !== true) return undefined;
    const whole = { start: 0, end: found.size - 1 };
    return {
      size: found.size,
      modifiedAt: found.mtimeMs,
      stream: (range = whole) => Readable.from(readParts(path, range)),
    };
  }

  return {
    name: 'disk',

    async check() {
      const probe = unfinished(dir, 'probe');
      try {
        for (const folder of [dir, staging, keeping]) {
          await mkdir(folder, { recursive: true, mode: OURS_ALONE });
          await chmod(folder, OURS_ALONE);
        }
        try {
          await writeFile(probe, 'probe', { flag: 'wx' });
          if ((await readFile(probe, 'utf8')) !== 'probe') throw new Error('what is written there reads differently');
        } finally {
          await rm(probe, { force: true });
        }
      } catch (error) {
        const code = errnoOf(error) ?? String(error);
        const remedy =
          code === 'ENOSPC' || code === 'EDQUOT'
            ? 'free some room, or set JOB_DATA_DIR to a folder on another disk'
            : 'set JOB_DATA_DIR to a folder that this user may write to';
        throw new StartError(`Files can't be written to ${dir} (${code}).`, remedy, error);
      }
    },

    async sweep(minAgeMs) {
      const before = Date.now() - minAgeMs;
      for (const folder of [staging, keeping]) {
        for (const name of await readdir(folder)) {
          const found = await lstat(join(folder, name)).catch(missing);
          if (found !== undefined && (minAgeMs === 0 || found.mtimeMs < before)) await removeTree(join(folder, name));
        }
      }
    },

    async stage(jobId) {
      const final = jobDir(jobId);
      const home = unfinished(staging, jobId);
      makeFolders(staging, [home.slice(staging.length + 1)]);
      for (const area of ['code', 'input', 'output']) makeFolders(home, [area]);
      return stagedUpload(home, final, removeAtOnce);
    },

    async inputs(jobId) {
      const home = jobDir(jobId);
      // Files that are lost are our fault; without this the job would be told that it sent none.
      if (lstatSync(home, { throwIfNoEntry: false }) === undefined) throw new Error(`the job ${jobId} has no files`);
      return { codeDir: join(home, 'code'), inputDir: join(home, 'input'), dispose: async () => undefined };
    },

    async keep(jobId, file, lost) {
      const problem = problemOfPath(file.name);
      if (problem !== undefined) throw new Error(`the name ${problem}`);
      const output = join(jobDir(jobId), 'output');
      const temporary = unfinished(keeping, jobId);
      try {
        const written = await writeNew(temporary, file.open());
        lost?.throwIfAborted();
        makeFolders(output, file.name.split('/').slice(0, -1));
        await rename(temporary, join(output, file.name));
        return { name: file.name, ...written, content_type: contentType(file.name) };
      } catch (error) {
        await rm(temporary, { force: true });
        lost?.throwIfAborted();
        // The job's log will show the message: it must not name folders of this host.
        if (isClash(error)) throw new Error('a file and a folder have the same name', { cause: error });
        const code = errnoOf(error);
        throw code === undefined ? error : Object.assign(new Error(`can't be kept (${code})`, { cause: error }), { code });
      }
    },

    async clearOutputs(jobId, lost) {
      const home = jobDir(jobId);
      lost?.throwIfAborted();
      await removeAtOnce(join(home, 'output'));
      makeFolders(home, ['output']);
    },

    async open(jobId, name) {
      if (!isJobId(jobId) || problemOfPath(name) !== undefined) return undefined;
      const path = join(jobDir(jobId), 'output', name);
      return openFile(path);
    },

    async keepLog(jobId, content) {
      const final = join(jobDir(jobId), 'log');
      const temporary = unfinished(keeping, jobId);
      try {
        await writeNew(temporary, content);
        makeFolders(dir, [jobId]);
        await rename(temporary, final);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },

    async openLog(jobId) {
      return isJobId(jobId) ? openFile(join(jobDir(jobId), 'log')) : undefined;
    },

    remove: async (jobId) => removeAtOnce(jobDir(jobId)),

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

/** The caller's part of an upload that grows in `home` and is to be `final`. */
function stagedUpload(home: string, final: string, removeAtOnce: (path: string) => Promise<void>): Upload {
  let state: 'open' | 'committed' | 'discarded' = 'open';
  let writing = 0;

  const requireOpen = (): void => {
    if (state !== 'open') throw new Error(`the upload is ${state}`);
  };

  /** A client that goes on sending to a discarded upload must not fill the disk with a file that no folder shows. */
  async function* whileOpen(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const part of content) {
      requireOpen();
      yield part;
    }
  }

  return {
    async write(area, path, content) {
      const problem = problemOfPath(path);
      if (problem !== undefined) throw new ApiError('invalid_spec', `the file name ${problem}`);
      requireOpen();
      writing += 1;
      try {
        makeFolders(join(home, area), path.split('/').slice(0, -1));
        return await writeNew(join(home, area, path), whileOpen(content));
      } catch (error) {
        if (!isClash(error)) throw error;
        throw new ApiError('invalid_spec', 'the same path was sent twice, or once as a file and once as a folder', { cause: error });
      } finally {
        writing -= 1;
      }
    },
    async commit() {
      requireOpen();
      if (writing > 0) throw new Error('a file of the upload is still being written');
      // The folder's time is when it was begun, and a long upload would look like what a crash left.
      utimesSync(home, new Date(), new Date());
      renameSync(home, final);
      state = 'committed';
    },
    async discard() {
      if (state !== 'open') return;
      state = 'discarded';
      await removeAtOnce(home);
    },
  };
}
