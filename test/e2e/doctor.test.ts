import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandLine, type CommandLine } from '../support/command-line.ts';
import { skipRedis, startRedis } from '../support/redis-server.ts';
import { hasS3Server, s3Server } from '../support/s3-server.ts';

interface Finding {
  name: string;
  state: string;
  detail: string;
  remedies: string[];
}

let folder: string;
let cli: CommandLine;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'job-runner-cli-'));
  cli = commandLine(folder, { AWS_EC2_METADATA_DISABLED: 'true' });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function found(env: Record<string, string>): Promise<{ works: boolean; code: number | string; findings: Finding[] }> {
  const { code, stdout } = await cli.run(['doctor', '--json'], { env });
  return { code, ...(JSON.parse(stdout) as { works: boolean; findings: Finding[] }) };
}

describe('job-runner doctor', () => {
  it('finds what jobs need, with an exit code for programs, and leaves nothing behind', async () => {
    const { works, code, findings } = await found({});
    expect(findings.map(({ name }) => name)).toEqual(['Node', 'system', 'Python', 'isolation', 'memory', 'data', 'service']);
    expect({ works, code }).toEqual({ works: true, code: 0 });
    expect(await readdir(join(folder, 'data/job-runner'))).toEqual([]);
  });

  it('says what mends what is missing', async () => {
    await writeFile(join(folder, 'file'), '');
    const { code, stdout } = await cli.run(['doctor'], { env: { XDG_DATA_HOME: join(folder, 'file') } });
    expect(stdout).toMatch(/✓ Python +python3[^]*✗ data .*\n +→ set XDG_DATA_HOME[^]*Jobs can’t run here yet\.\n$/);
    expect(code).toBe(1);
  });

  it('looks for what the service’s settings ask for, each with what mends it', async () => {
    const { works, code, findings } = await found({
      USE_DOCKER: '1',
      DOCKER_HOST: `unix://${join(folder, 'docker.sock')}`,
      REDIS_URL: 'redis://:secret@127.0.0.1:1',
      JOB_DATA_DIR: join(folder, 'jobs'),
    });
    expect(findings.map(({ name, state }) => `${name} ${state}`)).toEqual([
      ...['Node ok', 'system ok', 'isolation failed', 'memory ok', 'data ok', 'Redis failed', 'service ok'],
    ]);
    const [docker, data, redis] = ['isolation', 'data', 'Redis'].map((name) => findings.find((each) => each.name === name));
    expect(docker).toMatchObject({
      detail: expect.stringContaining('No Docker engine answers'),
      remedies: [expect.stringContaining('DOCKER_HOST')],
    });
    expect(data?.detail).toContain(join(folder, 'jobs'));
    expect(redis?.remedies).toEqual([expect.stringContaining('REDIS_URL')]);
    expect(JSON.stringify(findings)).not.toContain('secret');
    expect({ works, code }).toEqual({ works: false, code: 1 });
  });

  it('says what is wrong with the settings themselves', async () => {
    const { findings, code } = await found({ PORT: 'x' });
    expect(findings).toContainEqual(
      expect.objectContaining({ name: 'settings', state: 'failed', detail: expect.stringContaining('PORT') }),
    );
    expect(code).toBe(1);
  });

  it.skipIf(skipRedis || !hasS3Server)(
    'finds the Redis that jobs are to be kept in, and the server that files are, where it makes no bucket',
    async () => {
      const redis = await startRedis();
      const { endpoint, accessKeyId, secretAccessKey } = await s3Server();
      try {
        const { works, findings } = await found({
          REDIS_URL: redis.url,
          S3_ENDPOINT: endpoint,
          S3_BUCKET: 'doctor-has-none',
          S3_CREATE_BUCKET: '1',
          S3_ACCESS_KEY_ID: accessKeyId,
          S3_SECRET_ACCESS_KEY: secretAccessKey,
        });
        const [first, second] = ['Redis', 'S3'].map((name) => findings.find((each) => each.name === name));
        expect(first?.detail).toMatch(new RegExp(`^127.0.0.1:${redis.port}.* answers$`));
        expect(second).toMatchObject({ state: 'ok', detail: expect.stringContaining('will make the bucket') });
        expect(works).toBe(true);
      } finally {
        await redis.close();
      }
    },
  );
});
