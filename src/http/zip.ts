import type { Duplex, Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { JobRecord } from '../store/store.ts';

/** What means a folder or a drive to some unzip program though it is part of a name here. */
const nameIn = (name: string): string => name.replaceAll('\\', '%5C').replace(/^([A-Za-z]):/, '$1%3A');

/**
 * All files of a job in one, packed while it is read. When a file can't be read any more (jobs are removed while others
 * download), the stream breaks off with the error; when the reader leaves, the file that is being read is closed.
 */
export function zipOf(artifacts: Artifacts, job: JobRecord): Readable {
  const zip = new ZipFile();
  // yazl makes a PassThrough.
  const output = zip.outputStream as Duplex;
  let reading: Readable | undefined;
  const breakOff = (error: Error): void => void output.destroy(error);
  zip.on('error', breakOff);
  output.once('close', () => reading?.destroy());

  async function read(name: string): Promise<Readable> {
    const file = await artifacts.open(job.id, name);
    if (file === undefined) throw new Error(`the artifact ${name} of job ${job.id} is gone`);
    reading = file.stream().on('error', breakOff);
    if (output.destroyed) reading.destroy();
    return reading;
  }

  const mtime = new Date(job.finishedAt ?? job.createdAt);
  for (const { name, size } of job.artifacts) {
    // Only ever called with a stream: yazl would tell an error to a listener that may be gone.
    zip.addReadStreamLazy(nameIn(name), { size, mtime }, (pack) => void read(name).then((stream) => pack(null, stream), breakOff));
  }
  zip.end();
  return output;
}
