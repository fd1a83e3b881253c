import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import type { Artifacts, Upload } from '../../artifacts/artifacts.ts';
import type { Caller } from '../../jobs/caller.ts';
import { contentType } from '../../artifacts/content-type.ts';

/** Files that wait for an execution: under an id of their own, without a job. The sweep of what no job owns takes them after an hour. */
const upload = z.object({
  /** As a job's. */
  owner: z.string().default(''),
  /** Milliseconds since the epoch. */
  at: z.number(),
  readOnly: z.boolean(),
  files: z.array(z.object({ name: z.string(), size: z.number(), contentType: z.string() })),
});
export type StoredUpload = z.infer<typeof upload>;

/** Written last: an upload without it is none. */
const INDEX = '.librechat/upload.json';

export interface ReceivedFiles {
  files: { name: string; size: number }[];
  readOnly: boolean;
}

/** Keeps what `receive` writes, under a new id; nothing, and undefined, when that was no file. What it throws leaves nothing behind. */
export async function keepUpload(
  artifacts: Artifacts,
  { owner }: Caller,
  receive: (staged: Upload) => Promise<ReceivedFiles>,
): Promise<{ id: string; upload: StoredUpload } | undefined> {
  const id = uuid().replaceAll('-', '');
  const staged = await artifacts.stage(id);
  try {
    const { files, readOnly } = await receive(staged);
    if (files.length === 0) {
      await staged.discard();
      return undefined;
    }
    await staged.commit();
    const stored: StoredUpload = {
      owner,
      at: Date.now(),
      readOnly,
      files: files.map(({ name, size }) => ({ name, size, contentType: contentType(name) })),
    };
    const bytes = Buffer.from(JSON.stringify(stored));
    await artifacts.keep(id, { name: INDEX, size: bytes.length, open: () => Readable.from([bytes]) });
    return { id, upload: stored };
  } catch (error) {
    await staged.discard();
    await artifacts.remove(id);
    throw error;
  }
}

/** Undefined, too, for what is another's. */
export async function readUpload(artifacts: Artifacts, id: string, { owner }: Caller): Promise<StoredUpload | undefined> {
  const index = await artifacts.open(id, INDEX);
  if (index === undefined) return undefined;
  const stored = upload.parse(JSON.parse(await text(index.stream())));
  return owner === '' || stored.owner === owner ? stored : undefined;
}
