import { randomUUID } from 'node:crypto';
import { s3Server } from '../../test/support/s3-server.ts';
import type { ArtifactsUnderTest } from './contract/artifacts-under-test.contract.ts';
import { openBucket, type Bucket } from './s3-bucket.ts';
import { createS3Artifacts, type S3Options } from './s3.ts';

export interface S3UnderTest extends ArtifactsUnderTest {
  options: S3Options;
  /** The bucket itself, to play tricks on it. */
  bucket: Bucket;
}

/** The driver below a prefix of its own, in a bucket that all tests share. */
export async function openS3Artifacts(more: Partial<S3Options> = {}): Promise<S3UnderTest> {
  const { endpoint, ...credentials } = await s3Server();
  const options: S3Options = {
    bucket: 'tests',
    region: 'us-east-1',
    endpoint,
    publicEndpoint: undefined,
    pathStyle: true,
    credentials,
    prefix: `${randomUUID()}/`,
    createBucket: true,
    linkSeconds: undefined,
    patienceMs: 0,
    startPatienceMs: 0,
    ...more,
  };
  const open = async () => {
    const artifacts = createS3Artifacts(options);
    await artifacts.check();
    return artifacts;
  };
  const bucket = openBucket(options);
  const under: S3UnderTest = {
    options,
    bucket,
    artifacts: await open(),
    async stored() {
      const keys: string[] = [];
      for await (const { key } of bucket.list(options.prefix)) keys.push(key.slice(options.prefix.length));
      for await (const { key } of bucket.unfinished(options.prefix)) keys.push(`${key} (unfinished)`);
      return keys.sort();
    },
    async reopen() {
      under.artifacts = await open();
      return under.artifacts;
    },
    async close() {
      for await (const { key } of bucket.list(options.prefix)) await bucket.remove(key);
      await under.artifacts.close();
      bucket.close();
    },
  };
  return under;
}
