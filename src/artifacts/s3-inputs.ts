import { chmod, mkdtemp, readdir, stat } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { errnoOf } from '../errors.ts';
import type { Inputs } from './artifacts.ts';
import { makeFolders, writeNew } from './disk-file.ts';
import { removeTree } from './remove-tree.ts';
import type { Bucket } from './s3-bucket.ts';
import type { Layout, UploadedFile } from './s3-layout.ts';

/** Files of one job that are fetched at once. */
const AT_ONCE = 4;

/** Folders say whose they are: this process's, on this host. */
const PREFIX = 'job-runner-inputs-';
const HOST = hostname().replace(/[^A-Za-z0-9]/g, '');
const ours = (pid: number): string => `${PREFIX}${HOST}-${pid}-`;

/** Fetches a job's upload into a new folder that no other user of the host can enter. */
export async function fetchInputs(bucket: Bucket, at: Layout, jobId: string, files: readonly UploadedFile[]): Promise<Inputs> {
  const home = await mkdtemp(join(tmpdir(), ours(process.pid)));
  const dispose = (): Promise<void> => removeTree(home);

  const content = async (file: UploadedFile): Promise<AsyncIterable<Uint8Array>> => {
    if (file.content !== undefined) return Readable.from([Buffer.from(file.content, 'base64')]);
    const found = file.object === undefined ? undefined : await bucket.get(at.uploaded(jobId, file.object));
    if (found === undefined) throw new Error(`the file ${file.area}/${file.path} of job ${jobId} is gone`);
    return found;
  };

  const left = files.values();
  const fetchSome = async (): Promise<void> => {
    for (const file of left) {
      makeFolders(join(home, file.area), file.path.split('/').slice(0, -1));
      const { sha256 } = await writeNew(join(home, file.area, file.path), await content(file));
      if (sha256 !== file.sha256) throw new Error(`the file ${file.area}/${file.path} of job ${jobId} is not what was uploaded`);
    }
  };

  try {
    await chmod(home, 0o700);
    makeFolders(home, ['code']);
    makeFolders(home, ['input']);
    await Promise.all(Array.from({ length: AT_ONCE }, fetchSome));
  } catch (error) {
    await dispose();
    throw error;
  }
  return { codeDir: join(home, 'code'), inputDir: join(home, 'input'), dispose };
}

/** Removes what was fetched for processes of this host that are gone. */
export async function sweepFetched(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(new RegExp(`^${PREFIX}${HOST}-(\\d+)-`).exec(name)?.[1]);
    if (Number.isNaN(pid) || pid === process.pid || isAlive(pid)) continue;
    const path = join(tmpdir(), name);
    const found = await stat(path).catch(() => undefined);
    // A folder of this name that somebody else has made is none of ours.
    if (found?.uid === process.getuid?.()) await removeTree(path);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}
