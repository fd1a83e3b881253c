import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach } from 'vitest';
import type { Artifacts, OutputFile, Upload, UploadArea } from '../artifacts.ts';

/** A driver of a test's own, with nothing in it, checked and ready. */
export interface ArtifactsUnderTest {
  artifacts: Artifacts;
  /** Everything that is stored, by whatever name the driver gives it; to see that nothing was left behind. */
  stored(): Promise<string[]>;
  /** Ends the driver as a crash would, without closing it, and opens it again on what it stored. */
  reopen(): Promise<Artifacts>;
  close(): Promise<void>;
}

export type OpenArtifacts = () => Promise<ArtifactsUnderTest>;

export type Uploaded = Partial<Record<UploadArea, Record<string, string>>>;

export interface Fixture {
  readonly artifacts: Artifacts;
  readonly under: ArtifactsUnderTest;
  /** A committed upload. Resolves with its job's id. */
  upload(files?: Uploaded): Promise<string>;
  /** What the job would find in a folder: contents by path. */
  received(id: string, area: UploadArea): Promise<Record<string, string>>;
  keep(id: string, name: string, content: string): ReturnType<Artifacts['keep']>;
  /** The content of an artifact, or of a part of it; undefined when there is none. */
  kept(id: string, name: string, range?: { start: number; end: number }): Promise<string | undefined>;
  ids(): Promise<string[]>;
}

export const newId = (): string => randomUUID().replaceAll('-', '');
export const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

export async function* bytes(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

/** Content that breaks off. */
export async function* broken(error: Error): AsyncGenerator<Uint8Array> {
  yield Buffer.from('the first half');
  throw error;
}

export const output = (name: string, content: string, claimedSize = Buffer.byteLength(content)): OutputFile => ({
  name,
  size: claimedSize,
  open: () => Readable.from([Buffer.from(content)]),
});

export const write = (upload: Upload, area: UploadArea, path: string, content: string): Promise<unknown> =>
  upload.write(area, path, bytes(content));

export async function read(stream: Readable): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function contentsOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(await Promise.all(files.map(async (file) => [relative(folder, file), await readFile(file, 'utf8')])));
}

/** Gives each test of the surrounding block a driver of its own, and short words for what tests do with it. */
export function useArtifacts(open: OpenArtifacts): Fixture {
  let under: ArtifactsUnderTest;
  beforeEach(async () => void (under = await open()));
  afterEach(() => under.close());

  return {
    get artifacts() {
      return under.artifacts;
    },
    get under() {
      return under;
    },
    async upload(files = {}) {
      const id = newId();
      const upload = await under.artifacts.stage(id);
      for (const area of ['code', 'input'] as const) {
        for (const [path, content] of Object.entries(files[area] ?? {})) await write(upload, area, path, content);
      }
      await upload.commit();
      return id;
    },
    async received(id, area) {
      const inputs = await under.artifacts.inputs(id);
      try {
        return await contentsOf(area === 'code' ? inputs.codeDir : inputs.inputDir);
      } finally {
        await inputs.dispose();
      }
    },
    keep: (id, name, content) => under.artifacts.keep(id, output(name, content)),
    async kept(id, name, range) {
      const found = await under.artifacts.open(id, name);
      return found && (await read(found.stream(range)));
    },
    async ids() {
      const ids: string[] = [];
      for await (const { id } of under.artifacts.ids()) ids.push(id);
      return ids.sort();
    },
  };
}
