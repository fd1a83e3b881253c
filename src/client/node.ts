import { createHash } from 'node:crypto';
import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Artifact } from '../api/job.ts';
import type { Client } from './client.ts';
import { JobRunnerError } from './error.ts';
import type { CallOptions } from './request.ts';
import type { Files } from './submission.ts';

/** For programs that have a file system: Node, Deno and Bun. */

/** A file to send. It is read while it is sent, and must not change until then. */
export const file = (path: string): Promise<Blob> => openAsBlob(path);

/** Left out of folders: what programs make beside their source, and what is nobody's code. */
const IGNORED = new Set(['__pycache__', '.git', '.venv', 'node_modules', '.DS_Store']);

/** All regular files of a folder, by their paths in it; `prefix` goes before each. Links are not followed. */
export async function folder(path: string, prefix = ''): Promise<Files> {
  const files: Files = {};
  const walk = async (at: string): Promise<void> => {
    const entries = await readdir(at, { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (IGNORED.has(entry.name)) continue;
      const full = join(at, entry.name);
      if (entry.isDirectory()) await walk(full);
      else if (entry.isFile()) files[posix.join(prefix, ...relative(path, full).split(sep))] = await openAsBlob(full);
    }
  };
  await walk(path);
  return files;
}

/** Where an artifact goes below a folder. Names come from a service: none may lead out of it. */
function placeIn(into: string, name: string): string {
  const root = resolve(into);
  const place = resolve(root, name);
  if (!place.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new JobRunnerError(`the artifact's name leads out of the folder: ${JSON.stringify(name)}`, { code: 'unexpected_answer' });
  }
  return place;
}

/** Saves an artifact below `into` and resolves with its path. It appears there when all of it has come and its SHA-256 is right. */
export async function saveArtifact(
  client: Pick<Client, 'artifact'>,
  id: string,
  { name, sha256 }: Pick<Artifact, 'name' | 'sha256'>,
  into: string,
  options: CallOptions = {},
): Promise<string> {
  const path = placeIn(into, name);
  const partial = `${path}.${process.pid}.part`;
  const hash = createHash('sha256');
  const hashed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await mkdir(dirname(path), { recursive: true });
  try {
    const response = await client.artifact(id, name, options);
    await pipeline(Readable.from(response.body ?? []), hashed, createWriteStream(partial), options);
    if (hash.digest('hex') !== sha256) {
      throw new JobRunnerError(`${name} did not come as the service has it`, { code: 'unexpected_answer' });
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return path;
}

/** Saves all artifacts of a job below `into`; resolves with their paths. */
export async function saveArtifacts(
  client: Pick<Client, 'artifact' | 'artifacts'>,
  id: string,
  into: string,
  options: CallOptions = {},
): Promise<string[]> {
  const paths: string[] = [];
  for (const artifact of await client.artifacts(id, options)) paths.push(await saveArtifact(client, id, artifact, into, options));
  return paths;
}
