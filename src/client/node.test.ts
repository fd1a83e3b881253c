import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim, finish, startApp, type TestApp } from '../../test/support/app.ts';
import { createClient, type Client } from './client.ts';
import { file, folder, saveArtifact, saveArtifacts } from './node.ts';

let app: TestApp;
let client: Client;
let home: string;
beforeEach(async () => {
  app = await startApp();
  client = createClient({ url: app.url });
  home = await mkdtemp(join(tmpdir(), 'job-runner-client-'));
});
afterEach(async () => {
  await app.close();
  await rm(home, { recursive: true, force: true });
});

async function jobWith(files: Record<string, string>): Promise<string> {
  const { job_id: id } = await client.submit({});
  const claimed = await claim(app.store);
  const artifacts = await Promise.all(
    Object.entries(files).map(([name, content]) =>
      app.artifacts.keep(id, { name, size: content.length, open: () => Readable.from([Buffer.from(content)]) }),
    ),
  );
  await finish(app.store, claimed, { artifacts });
  return id;
}

describe('files to send', () => {
  it('are a file, or a folder by the paths in it, without what nobody means', async () => {
    await mkdir(join(home, 'app/pkg/__pycache__'), { recursive: true });
    await writeFile(join(home, 'app/main.py'), 'print(1)');
    await writeFile(join(home, 'app/pkg/mod.py'), 'x = 1');
    await writeFile(join(home, 'app/pkg/__pycache__/mod.pyc'), '');
    await symlink('/etc/passwd', join(home, 'app/link'));
    const files = await folder(join(home, 'app'));
    expect(Object.keys(files)).toEqual(['main.py', 'pkg/mod.py']);
    expect(Object.keys(await folder(join(home, 'app/pkg'), 'lib'))).toEqual(['lib/mod.py']);
    expect(await (await file(join(home, 'app/main.py'))).text()).toBe('print(1)');
    expect((await client.submit({ code: files })).status).toBe('queued');
  });
});

describe('artifacts', () => {
  it('are saved with their folders', async () => {
    const id = await jobWith({ 'a.txt': 'a', 'deep/er/b ü.txt': 'b' });
    const paths = await saveArtifacts(client, id, join(home, 'out'));
    expect(paths).toEqual([join(home, 'out/a.txt'), join(home, 'out/deep/er/b ü.txt')]);
    expect(await Promise.all(paths.map((path) => readFile(path, 'utf8')))).toEqual(['a', 'b']);
  });

  it('that came damaged leave nothing', async () => {
    const id = await jobWith({ 'a.txt': 'a' });
    await expect(saveArtifact(client, id, { name: 'a.txt', sha256: '0'.repeat(64) }, home)).rejects.toMatchObject({
      code: 'unexpected_answer',
    });
    expect(await readdir(home)).toEqual([]);
  });

  it.each(['../out.txt', '/etc/out.txt', 'a/../../out.txt', '.'])('are not saved outside: %s', async (name) => {
    await expect(saveArtifact(client, '0'.repeat(32), { name, sha256: '' }, home)).rejects.toThrow('leads out');
  });
});
