import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formOf, jobOf, submit } from '../support/app.ts';
import { readStream, serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

// A file system that is really full: a small tmpfs, which takes root to mount.
describe.skipIf(process.getuid?.() !== 0)('a full disk', () => {
  let folder: string;
  let home: ServiceHome;
  let service: RunningService;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'job-runner-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', folder]);
    home = await serviceHome();
    service = await home.start({ JOB_DATA_DIR: join(folder, 'jobs') });
  });
  afterAll(async () => {
    await home.close();
    execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true });
  });

  it('refuses an upload that does not fit with 507, leaves nothing of it, and goes on', async () => {
    const files = join(folder, 'jobs/files');
    const before = readdirSync(files, { recursive: true }).length;
    const response = await fetch(`${service.url}/jobs`, {
      method: 'POST',
      body: formOf({ code: { 'main.py': 'print(1)', 'big.bin': new Uint8Array(16 * 1024 * 1024) } }),
    });
    expect(response.status).toBe(507);
    expect(await response.json()).toMatchObject({ code: 'storage_full' });
    expect(readdirSync(files, { recursive: true })).toHaveLength(before);
    const id = await submit(service.url, { code: { 'main.py': 'print("still here")' } });
    expect((await readStream(`${service.url}/jobs/${id}/logs/stream`)).map((event) => event.data)).toContain('still here');
  });

  it('says which artifact found no room, and ends the job all the same', async () => {
    const id = await submit(service.url, {
      code: {
        'main.py':
          'import os\nopen(os.environ["JOB_OUTPUT_DIR"] + "/big", "wb").write(b"x" * 20_000_000)\nopen(os.environ["JOB_OUTPUT_DIR"] + "/small", "w").write("x")',
      },
    });
    const said = (await readStream(`${service.url}/jobs/${id}/logs/stream`)).map((event) => event.data).join('\n');
    expect(said).toMatch(/\[runner\] left out of the artifacts: big: .*(ENOSPC|no space|room)/i);
    expect((await jobOf(service.url, id)).job).toMatchObject({ status: 'succeeded', artifacts: ['small'] });
  });
});
