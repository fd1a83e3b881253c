import { join } from 'node:path';
import type { Artifacts } from '../artifacts/artifacts.ts';
import { createDiskArtifacts } from '../artifacts/disk.ts';
import type { Config } from '../config.ts';

/** Whoever names a server and no bucket has one for this service. */
const DEFAULT_BUCKET = 'job-runner';
/** How long a worker waits for an S3 server that went away. */
const PATIENCE_MS = 60_000;
/** And a start for one that is started with it. */
const START_PATIENCE_MS = 10_000;

/** Where files are kept, as the configuration names it; not yet checked. */
export async function chooseArtifacts(config: Config): Promise<Artifacts> {
  const bucket = config.S3_BUCKET ?? (config.S3_ENDPOINT === undefined ? undefined : DEFAULT_BUCKET);
  if (bucket === undefined) return createDiskArtifacts({ dir: join(config.dataDir, 'files') });
  const { createS3Artifacts } = await import('../artifacts/s3.ts');
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = config;
  return createS3Artifacts({
    bucket,
    region: config.S3_REGION ?? config.AWS_REGION ?? 'us-east-1',
    endpoint: config.S3_ENDPOINT,
    publicEndpoint: config.S3_PUBLIC_ENDPOINT,
    pathStyle: config.S3_PATH_STYLE ?? config.S3_ENDPOINT !== undefined,
    credentials: accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey },
    prefix: config.S3_PREFIX,
    createBucket: config.S3_CREATE_BUCKET,
    linkSeconds: config.S3_PRESIGNED ? config.S3_PRESIGNED_SEC : undefined,
    patienceMs: PATIENCE_MS,
    startPatienceMs: START_PATIENCE_MS,
  });
}
