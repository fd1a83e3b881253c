import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Artifacts } from '../../artifacts/artifacts.ts';
import type { Caller } from '../../jobs/caller.ts';
import type { OwnJobs } from '../../jobs/own-jobs.ts';
import type { JobRecord } from '../../store/store.ts';
import { fileIdOf, jobIdOf, sessionIdOf } from './ids.ts';
import { readUpload } from './uploads.ts';

export interface SessionFile {
  id: string;
  sessionId: string;
  name: string;
  size: number;
  contentType: string;
  /** Milliseconds since the epoch. */
  modifiedAt: number;
  /** An input that programs may change for themselves only. */
  readOnly: boolean;
  /** Undefined when it has gone meanwhile. */
  open(): Promise<Readable | undefined>;
}

/** A session is a job's folder seen from LibreChat: what an execution left, or what an upload brought for executions to come. */
export interface Sessions {
  /** Undefined: there is no such session (any more). */
  list(sessionId: string): Promise<SessionFile[] | undefined>;
  find(sessionId: string, fileId: string): Promise<SessionFile | undefined>;
  /** What an execution that is over has left, each time all of it. */
  ofJob(job: JobRecord): SessionFile[];
  /** Takes a file out of its session, and the session away with its last file. False: it was not there. */
  remove(sessionId: string, fileId: string): Promise<boolean>;
}

/** Files that were taken out of a session are marked beside the others; what a job left can't be changed any more. */
const markOf = (fileId: string): string => `.librechat/removed/${fileId}`;

/** A caller's sessions. */
export function createSessions(jobs: OwnJobs, artifacts: Artifacts, caller: Caller): Sessions {
  const ofJob = (job: JobRecord): SessionFile[] =>
    job.artifacts.map(({ name, size, content_type }) => ({
      id: fileIdOf(name),
      sessionId: sessionIdOf(job.id),
      name,
      size,
      contentType: content_type,
      modifiedAt: job.finishedAt ?? job.createdAt,
      readOnly: false,
      open: async () => (await artifacts.open(job.id, name))?.stream(),
    }));

  async function ofUpload(id: string): Promise<SessionFile[] | undefined> {
    const upload = await readUpload(artifacts, id, caller);
    return upload?.files.map(({ name, size, contentType }) => ({
      id: fileIdOf(name),
      sessionId: sessionIdOf(id),
      name,
      size,
      contentType,
      modifiedAt: upload.at,
      readOnly: upload.readOnly,
      open: () => openInput(artifacts, id, name, caller),
    }));
  }

  async function all(id: string): Promise<SessionFile[] | undefined> {
    const job = await jobs.get(id);
    return job === undefined ? ofUpload(id) : ofJob(job);
  }

  async function present(id: string): Promise<SessionFile[] | undefined> {
    const files = await all(id);
    if (files === undefined) return undefined;
    const removed = await Promise.all(files.map((file) => artifacts.open(id, markOf(file.id))));
    return files.filter((_, index) => removed[index] === undefined);
  }

  return {
    ofJob,

    async list(sessionId) {
      const id = jobIdOf(sessionId);
      return id === undefined ? undefined : present(id);
    },

    async find(sessionId, fileId) {
      const id = jobIdOf(sessionId);
      const file = id === undefined ? undefined : (await all(id))?.find((each) => each.id === fileId);
      if (id === undefined || file === undefined) return undefined;
      return (await artifacts.open(id, markOf(fileId))) === undefined ? file : undefined;
    },

    async remove(sessionId, fileId) {
      const id = jobIdOf(sessionId);
      const files = id === undefined ? undefined : await present(id);
      if (id === undefined || files?.some((file) => file.id === fileId) !== true) return false;
      if (files.length > 1) await artifacts.keep(id, { name: markOf(fileId), size: 0, open: () => Readable.from([]) });
      else if ((await jobs.delete(id)) !== 'not_finished') await artifacts.remove(id);
      return true;
    },
  };
}

async function openInput(artifacts: Artifacts, id: string, name: string, caller: Caller): Promise<Readable | undefined> {
  // Without this, files that a sweep has taken would look like files that we have lost.
  if ((await readUpload(artifacts, id, caller)) === undefined) return undefined;
  const inputs = await artifacts.inputs(id);
  const stream = createReadStream(join(inputs.inputDir, name));
  stream.once('close', () => void inputs.dispose());
  return stream;
}
