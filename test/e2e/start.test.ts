import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { submit } from '../support/app.ts';
import { readStream, serviceHome, type ServiceHome } from '../support/service.ts';

let home: ServiceHome;
beforeEach(async () => {
  home = await serviceHome();
});
afterEach(() => home.close());

describe('starting', () => {
  it.each([
    ['an address that everybody reaches', { HOST: '0.0.0.0' }, /ALLOW_ANONYMOUS=1/],
    ['several mistakes at once', { PORT: 'x', CONCURRENCY: '0', LOG_LEVEL: 'loud' }, /(?=[^]*PORT)(?=[^]*CONCURRENCY)(?=[^]*LOG_LEVEL)/],
    ['a runtime that is not there', { DEFAULT_RUNTIME: 'python2.7' }, /python2\.7[^]*python3/],
    ['an alias of nothing', { RUNTIME_ALIASES: 'py=python2.7' }, /python2\.7/],
    ['no interpreter at all', { PYTHON_SEARCH_PATH: '/nowhere' }, /apt-get install/],
    ['an address of another machine', { HOST: '192.0.2.1', ALLOW_ANONYMOUS: '1' }, /192\.0\.2\.1/],
  ])('refuses %s, with the line that mends it', async (_what, variables, words) => {
    const { code, said } = await home.refuse(variables);
    expect(code).toBe(1);
    expect(said).toMatch(words);
    expect(said).toContain('→');
    expect(said).not.toMatch(/\n\s+at /);
  });

  it('refuses a port that is taken, and a data folder that another one uses', async () => {
    const first = await home.start();
    const { port } = new URL(first.url);
    const other = await serviceHome();
    const taken = await other.refuse({ PORT: port });
    await other.close();
    expect(taken.said).toMatch(new RegExp(`Port ${port} .* is taken[^]*→ .*PORT=`));
    const shared = await home.refuse({});
    expect(shared.said).toMatch(/another (process|Job Runner)[^]*→/i);
    expect([taken.code, shared.code]).toEqual([1, 1]);
  });

  it('refuses a data folder that can’t be written to', async () => {
    const file = join(home.dir, 'file');
    await writeFile(file, '');
    const { code, said } = await home.refuse({ JOB_DATA_DIR: join(file, 'jobs') });
    expect(code).toBe(1);
    expect(said).toMatch(/→ .*JOB_DATA_DIR/);
  });

  it('refuses a damaged database instead of guessing', async () => {
    await mkdir(join(home.dir, 'jobs'));
    await writeFile(join(home.dir, 'jobs/jobs.sqlite'), 'this is no database'.repeat(500));
    const { code, said } = await home.refuse({});
    expect(code).toBe(1);
    expect(said).toMatch(/jobs\.sqlite[^]*→/);
  });

  it('says which guarantees hold, and warns loudly without a sandbox', async () => {
    const none = await home.start({ SANDBOX: 'none' });
    expect(none.said()).toMatch(/sandbox +none, WITHOUT these guarantees: .*filesystem/);
    const ready = (await (await fetch(`${none.url}/readyz`)).json()) as { parts: { name: string; guarantees?: Record<string, boolean> }[] };
    expect(ready.parts.find((part) => part.name === 'sandbox')?.guarantees).toMatchObject({ filesystem: false, network: false });
    const id = await submit(none.url, { code: { 'main.py': 'print("bare")' } });
    expect((await readStream(`${none.url}/jobs/${id}/logs/stream`)).map((event) => event.data)).toContain('bare');
  });

  it('works from folders that the job’s user can’t enter', async () => {
    await chmod(home.dir, 0o700);
    const service = await home.start();
    const id = await submit(service.url, { code: { 'main.py': 'import sys; print("in", sys.executable)' } });
    const said = (await readStream(`${service.url}/jobs/${id}/logs/stream`)).map((event) => event.data).join('\n');
    expect(said).toContain('in /');
    expect(said).not.toMatch(/\/root|\/home/);
  });
});
