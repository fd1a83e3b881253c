import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * A real disk that is full or read-only: a tmpfs in a mount namespace of its own, which any user may have, and a process
 * in it, which prints what it saw as JSON.
 */
describe('artifacts on a disk without room', () => {
  let dir: string;
  beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'small-disk-'))));
  afterAll(() => rm(dir, { recursive: true }));

  async function onDisk(mountOptions: string, program: string): Promise<unknown> {
    const module = `
      import { readdirSync, writeFileSync } from 'node:fs';
      import { Readable } from 'node:stream';
      import { createDiskArtifacts } from ${JSON.stringify(new URL('disk.ts', import.meta.url).href)};
      const dir = ${JSON.stringify(dir)};
      const artifacts = createDiskArtifacts({ dir });
      const id = '0'.repeat(32);
      const large = () => Readable.from(Array.from({ length: 64 }, () => Buffer.alloc(65_536, 1)));
      const errorOf = (promise) => promise.then(() => undefined, ({ name, message, code, remedy }) => ({ name, message, code, remedy }));
      const left = () => readdirSync(dir, { recursive: true }).filter((path) => !['staging', 'keeping'].includes(path)).sort();
      ${program}`;
    const { stdout } = await promisify(execFile)('unshare', [
      ...['--user', '--map-root-user', '--mount', 'sh', '-c'],
      `mount -t tmpfs -o ${mountOptions} none "$1" && exec "$2" --input-type=module -e "$3"`,
      ...['sh', dir, process.execPath, module],
    ]);
    return JSON.parse(stdout);
  }

  it('keeps the system’s error of an upload for which there is no room, and leaves nothing of it', async () => {
    const seen = await onDisk(
      'size=1m',
      `await artifacts.check();
      const upload = await artifacts.stage(id);
      const error = await errorOf(upload.write('code', 'large', large()));
      await upload.discard();
      const next = await artifacts.stage(id);
      await next.write('code', 'main.py', Readable.from([Buffer.from('x')]));
      await next.commit();
      console.log(JSON.stringify({ error, left: left() }));`,
    );
    expect(seen).toMatchObject({
      error: { code: 'ENOSPC' },
      left: ['', '/code', '/code/main.py', '/input', '/output'].map((path) => '0'.repeat(32) + path),
    });
  });

  it('says why a job’s file can’t be kept, without naming a folder of the host, and leaves nothing of it', async () => {
    const seen = await onDisk(
      'size=1m',
      `await artifacts.check();
      await (await artifacts.stage(id)).commit();
      const error = await errorOf(artifacts.keep(id, { name: 'folder/large', size: 1, open: large }));
      console.log(JSON.stringify({ error, left: left() }));`,
    );
    expect(seen).toMatchObject({
      error: { message: "can't be kept (ENOSPC)", code: 'ENOSPC' },
      left: ['', '/code', '/input', '/output'].map((path) => '0'.repeat(32) + path),
    });
  });

  it('does not start when there is no room, and says what mends it', async () => {
    const seen = await onDisk(
      'size=64k',
      `await artifacts.check();
      try { writeFileSync(dir + '/filler', Buffer.alloc(1_000_000)); } catch {}
      console.log(JSON.stringify({ error: await errorOf(artifacts.check()), left: left() }));`,
    );
    expect(seen).toMatchObject({
      error: {
        name: 'StartError',
        message: `Files can't be written to ${dir} (ENOSPC).`,
        remedy: 'free some room, or set JOB_DATA_DIR to a folder on another disk',
      },
      left: ['filler'],
    });
  });

  it('does not start on a read-only disk, and says what mends it', async () => {
    const seen = await onDisk('ro', `console.log(JSON.stringify({ error: await errorOf(artifacts.check()), left: left() }));`);
    expect(seen).toMatchObject({
      error: {
        name: 'StartError',
        message: `Files can't be written to ${dir} (EROFS).`,
        remedy: 'set JOB_DATA_DIR to a folder that this user may write to',
      },
      left: [],
    });
  });
});
