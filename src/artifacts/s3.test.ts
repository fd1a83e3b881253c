import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { breakableProxy } from '../../test/support/breakable-proxy.ts';
import { hasS3Server, s3Server } from '../../test/support/s3-server.ts';
import { artifactsContract } from './artifacts.contract.ts';
import { newId, output, read, sha256, write } from './contract/artifacts-under-test.contract.ts';
import { openS3Artifacts, type S3UnderTest } from './s3-under-test.contract.ts';
import { createS3Artifacts, type S3Options } from './s3.ts';

const MIB = 1024 ** 2;
const textOf = (text: string): Readable => Readable.from([Buffer.from(text)]);

/** Parts of 1 MiB. */
function* large(mib: number): Generator<Buffer> {
  for (let i = 0; i < mib; i++) yield Buffer.alloc(MIB, i);
}

describe.skipIf(!hasS3Server)('on a real S3 server', () => {
  artifactsContract('s3', () => openS3Artifacts());

  describe('artifacts s3, in a bucket', () => {
    let under: S3UnderTest;
    beforeEach(async () => void (under = await openS3Artifacts()));
    afterEach(() => under.close());

    async function upload(path: string, content: Iterable<Buffer>): Promise<string> {
      const id = newId();
      const staged = await under.artifacts.stage(id);
      await staged.write('code', path, Readable.from(content));
      await staged.commit();
      return id;
    }

    it('keeps a small job in one object', async () => {
      const id = newId();
      const staged = await under.artifacts.stage(id);
      for (let i = 0; i < 20; i++) await write(staged, 'code', `pkg/${i}.py`, 'x'.repeat(1000));
      await staged.commit();
      expect(await under.stored()).toEqual([`jobs/${id}`]);
    });

    it('keeps many small files in objects of their own when together they are not small', async () => {
      const id = newId();
      const staged = await under.artifacts.stage(id);
      const files = Array.from({ length: 12 }, (_, i): [string, string] => [`${i}`, String(i % 10).repeat(60_000)]);
      for (const [name, content] of files) await write(staged, 'code', name, content);
      await staged.commit();
      expect((await under.stored()).length).toBeGreaterThan(1);
      const inputs = await under.artifacts.inputs(id);
      expect((await readdir(inputs.codeDir)).sort()).toEqual(files.map(([name]) => name).sort());
      await inputs.dispose();
    });

    it('hands large files out as they came, and leaves nothing on the host', async () => {
      const id = await upload('large', large(20));
      const inputs = await under.artifacts.inputs(id);
      expect(sha256(await readFile(join(inputs.codeDir, 'large')))).toBe(sha256(Buffer.concat([...large(20)])));
      await inputs.dispose();
      expect((await readdir(tmpdir())).filter((name) => name.includes(`-${process.pid}-`) && name.startsWith('job-runner-inputs'))).toEqual(
        [],
      );
    });

    it('keeps artifacts whose names are longer than keys may be', async () => {
      const id = await upload('main.py', [Buffer.from('x')]);
      const names = [`${'n'.repeat(250)}/`.repeat(8).slice(0, -1), `${'é'.repeat(125)}/`.repeat(8).slice(0, -1)];
      for (const name of names) await under.artifacts.keep(id, output(name, name));
      for (const name of names) expect(await read((await under.artifacts.open(id, name))?.stream() ?? textOf(''))).toBe(name);
    });

    it('holds little of a large download in memory, and ends it when the reader leaves', async () => {
      const id = await upload('main.py', [Buffer.from('x')]);
      await under.artifacts.keep(id, { name: 'large', size: 1, open: () => Readable.from(large(128)) });
      const found = await under.artifacts.open(id, 'large');
      const before = process.memoryUsage().arrayBuffers;
      let [most, bytes] = [0, 0];
      for await (const part of found?.stream() ?? []) {
        bytes += (part as Buffer).length;
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }
      expect([found?.size, bytes]).toEqual([128 * MIB, 128 * MIB]);
      expect(most).toBeLessThan(96 * MIB);
      const left = found?.stream();
      if (left !== undefined) {
        await once(left, 'data');
        left.destroy();
        await once(left, 'close');
      }
    });

    it('does not go on with another object when the one that is read was replaced', async () => {
      const id = await upload('main.py', [Buffer.from('x')]);
      await under.artifacts.keep(id, output('result', 'the first'));
      const found = await under.artifacts.open(id, 'result');
      await under.artifacts.keep(id, output('result', 'another'));
      await expect(found?.stream().toArray()).rejects.toThrow('is gone');
    });

    it('gives away links that work without credentials, and tell browsers what to do', async () => {
      await under.close();
      under = await openS3Artifacts({ linkSeconds: 60 });
      const id = await upload('main.py', [Buffer.from('x')]);
      await under.artifacts.keep(id, output('page é.html', '<script>alert(1)</script>'));
      const found = await under.artifacts.open(id, 'page é.html');
      const link = await found?.link?.({
        type: 'text/html; charset=utf-8',
        disposition: "attachment; filename*=UTF-8''page%20%C3%A9.html",
      });
      const response = await fetch(link ?? '', { headers: { range: 'bytes=1-6' } });
      expect(response.status).toBe(206);
      expect(await response.text()).toBe('script');
      expect(response.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''page%20%C3%A9.html");
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(link).not.toContain(under.options.credentials?.secretAccessKey);
      expect((await fetch(link?.replace(/Signature=\w{4}/, 'Signature=0000') ?? '')).status).toBe(403);
    });

    it('writes nothing outside of the job’s folder, whatever somebody wrote into the bucket', async () => {
      const id = newId();
      const escape = join(tmpdir(), `escaped-${id}`);
      const file = { area: 'code', path: `../../../${escape}`, size: 1, sha256: sha256('x'), content: 'eA==' };
      await under.bucket.put(
        `${under.options.prefix}jobs/${id}`,
        textOf(JSON.stringify({ version: 1, files: [file] })),
        'application/json',
      );
      await expect(under.artifacts.inputs(id)).rejects.toThrow('is no usable path');
      const object = { ...file, path: 'main.py', content: undefined, object: '../../../secret' };
      await under.bucket.put(
        `${under.options.prefix}jobs/${id}`,
        textOf(JSON.stringify({ version: 1, files: [object] })),
        'application/json',
      );
      await expect(under.artifacts.inputs(id)).rejects.toThrow('Invalid');
      expect(existsSync(escape)).toBe(false);
    });

    it('runs no file that is not what was uploaded', async () => {
      const id = await upload('main.py', large(1));
      const [key] = (await under.stored()).filter((each) => each.startsWith('files/'));
      await under.bucket.put(under.options.prefix + key, textOf('another program'), 'text/plain');
      await expect(under.artifacts.inputs(id)).rejects.toThrow('is not what was uploaded');
    });

    it('sweeps uploads in parts that were begun and never ended, when they are old', async () => {
      const staged = await under.artifacts.stage(newId());
      const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      async function* stuck(): AsyncGenerator<Uint8Array> {
        yield* large(20);
        begun.resolve();
        await gate.promise;
      }
      const writing = staged.write('input', 'large', stuck()).catch(() => undefined);
      await begun.promise;
      await expect.poll(() => under.stored()).toHaveLength(1);
      await under.artifacts.sweep(60_000);
      expect(await under.stored()).toHaveLength(1);
      await under.artifacts.sweep(0);
      expect(await under.stored()).toEqual([]);
      gate.resolve();
      await writing;
      await staged.discard();
    });

    it('sweeps files whose job is gone, and not those of others', async () => {
      const ids = await Promise.all([1, 2, 3, 4, 5].map(() => upload('large', large(1))));
      const gone = ids.filter((_, i) => i % 2 === 0);
      for (const id of gone) await under.bucket.remove(`${under.options.prefix}jobs/${id}`);
      await under.artifacts.sweep(60_000);
      expect((await under.stored()).filter((key) => key.startsWith('files/'))).toHaveLength(5);
      await under.artifacts.sweep(0);
      const left = (await under.stored()).filter((key) => key.startsWith('files/')).map((key) => key.split('/')[1]);
      expect(left.sort()).toEqual(ids.filter((id) => !gone.includes(id)).sort());
    });

    it('sweeps what was fetched for processes that are gone, and not for those that live', async () => {
      const [gone, alive] = [spawn('true'), spawn('sleep', ['60'])];
      await once(gone, 'exit');
      const folderOf = (pid: number | undefined) =>
        join(tmpdir(), `job-runner-inputs-${hostname().replace(/[^A-Za-z0-9]/g, '')}-${pid}-test`);
      try {
        for (const { pid } of [gone, alive]) await mkdir(folderOf(pid));
        await (await under.reopen()).check();
        expect([gone, alive].map(({ pid }) => existsSync(folderOf(pid)))).toEqual([false, true]);
      } finally {
        alive.kill();
        await rm(folderOf(alive.pid), { recursive: true, force: true });
      }
    });
  });

  describe('artifacts s3, when it can’t have its bucket', () => {
    const errorOf = async (more: Partial<S3Options>): Promise<unknown> => {
      const under = await openS3Artifacts();
      await under.close();
      const artifacts = createS3Artifacts({ ...under.options, createBucket: false, ...more });
      try {
        return await artifacts.check().catch((error: unknown) => error);
      } finally {
        await artifacts.close();
      }
    };

    it('tells that there is no such bucket, and what mends it', async () => {
      const { endpoint } = await s3Server();
      expect(await errorOf({ bucket: 'absent' })).toMatchObject({
        name: 'StartError',
        message: `There is no bucket absent at ${endpoint}.`,
        remedy: expect.stringContaining('S3_CREATE_BUCKET=1') as string,
      });
    });

    it.each([
      ['the secret is wrong', { accessKeyId: 'AKIATESTS', secretAccessKey: 'another-secret' }, 'SignatureDoesNotMatch'],
      ['the key is unknown', { accessKeyId: 'NOBODY', secretAccessKey: 'another-secret' }, 'InvalidAccessKeyId'],
    ])('tells that %s, and keeps secrets to itself', async (_, credentials, name) => {
      const { endpoint } = await s3Server();
      const error = await errorOf({ credentials });
      expect(error).toMatchObject({
        name: 'StartError',
        message: `The S3 server at ${endpoint} does not accept the credentials (${name}).`,
        remedy: 'set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY to a valid pair',
      });
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('another-secret');
    });

    it('tells that nothing answers there', async () => {
      expect(await errorOf({ endpoint: 'http://127.0.0.1:1' })).toMatchObject({
        name: 'StartError',
        message: 'The S3 server at http://127.0.0.1:1 does not answer (ECONNREFUSED).',
        remedy: expect.stringContaining('S3_ENDPOINT') as string,
      });
    });
  });

  describe('artifacts s3, when the server goes away', () => {
    async function behindProxy(more: Partial<S3Options> = {}) {
      const { endpoint } = await s3Server();
      const { hostname: host, port } = new URL(endpoint);
      const proxy = await breakableProxy({ host, port: Number(port) });
      const under = await openS3Artifacts({ endpoint: `http://127.0.0.1:${proxy.port}`, ...more });
      return {
        under,
        proxy,
        async close() {
          await proxy.mend();
          await under.close();
          await proxy.cut();
        },
      };
    }

    it('asks clients to come again, without telling them where it is, and is not ready', async () => {
      const { under, proxy, close } = await behindProxy();
      const id = newId();
      const staged = await under.artifacts.stage(id);
      await write(staged, 'code', 'main.py', 'x');
      await proxy.cut();
      const unavailable = {
        name: 'ApiError',
        code: 'unavailable',
        message: 'the place for files does not answer; try again',
        headers: { 'retry-after': '5' },
      };
      await expect(staged.commit()).rejects.toMatchObject(unavailable);
      await expect(staged.write('code', 'large', Readable.from(large(20)))).rejects.toMatchObject(unavailable);
      await expect(under.artifacts.open(id, 'x')).rejects.toMatchObject(unavailable);
      await expect(under.artifacts.inputs(id)).rejects.toMatchObject(unavailable);
      await expect(under.artifacts.remove(id)).rejects.toMatchObject(unavailable);
      await expect(under.artifacts.check()).rejects.toMatchObject({ name: 'StartError' });
      await proxy.mend();
      await under.artifacts.check();
      await staged.commit();
      expect(await under.stored()).toEqual([`jobs/${id}`]);
      await close();
    });

    it('says the same, and not that there is no such file, when the bucket has gone', async () => {
      const { options, close } = await openS3Artifacts();
      const bucket = `gone-${newId()}`;
      const artifacts = createS3Artifacts({ ...options, bucket });
      await artifacts.check();
      const { region, endpoint = '', credentials = { accessKeyId: '', secretAccessKey: '' } } = options;
      const client = new S3Client({ region, endpoint, credentials, forcePathStyle: true });
      await client.send(new DeleteBucketCommand({ Bucket: bucket }));
      client.destroy();
      const unavailable = { name: 'ApiError', code: 'unavailable' };
      await expect(artifacts.open(newId(), 'x')).rejects.toMatchObject(unavailable);
      await expect(artifacts.openLog(newId())).rejects.toMatchObject(unavailable);
      await artifacts.close();
      await close();
    });

    it('waits for one that starts a little later', async () => {
      const { under, proxy, close } = await behindProxy();
      await proxy.cut();
      const late = createS3Artifacts({ ...under.options, startPatienceMs: 60_000 });
      const checked = late.check();
      await proxy.mend();
      await checked;
      await late.close();
      await close();
    });

    it('waits for it on a worker’s behalf, and keeps a file that broke off in the middle', async () => {
      const { under, proxy, close } = await behindProxy({ patienceMs: 60_000 });
      const id = newId();
      const staged = await under.artifacts.stage(id);
      await staged.write('code', 'main.py', Readable.from(large(1)));
      await staged.commit();
      await proxy.cut();
      const inputs = under.artifacts.inputs(id);
      await proxy.mend();
      await (await inputs).dispose();

      let tries = 0;
      const breaking = async function* (): AsyncGenerator<Buffer> {
        tries += 1;
        try {
          yield* large(12);
          if (tries === 1) await proxy.cut();
          yield* large(12);
        } finally {
          if (tries === 1) await proxy.mend();
        }
      };
      const kept = await under.artifacts.keep(id, { name: 'large', size: 1, open: () => Readable.from(breaking()) });
      expect(kept).toMatchObject({ size: 24 * MIB, sha256: sha256(Buffer.concat([...large(12), ...large(12)])) });
      await close();
    });
  });
});
