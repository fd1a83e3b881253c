import { pino, type Logger } from 'pino';
import { chooseArtifacts } from '../compose/choose-artifacts.ts';
import { chooseStore } from '../compose/choose-store.ts';
import type { Config } from '../config.ts';
import { failure, finding, type Finding } from './finding.ts';

/** A log whose lines are kept: what a store has to say of itself is for whoever asks. */
function noteTaker(notes: string[]): Logger {
  return pino({ level: 'warn' }, { write: (line) => notes.push(String((JSON.parse(line) as { msg?: unknown }).msg)) });
}

/** With nobody's password. */
function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || '6379'}${pathname === '/' ? '' : pathname}`;
}

async function redis(config: Config, url: string): Promise<Finding> {
  const notes: string[] = [];
  const artifacts = await chooseArtifacts(config);
  const store = await chooseStore(config, artifacts, noteTaker(notes));
  try {
    await store.check();
    return finding('Redis', notes.length === 0 ? 'ok' : 'weak', `${placeOf(url)} answers`, ...notes);
  } catch (error) {
    return failure('Redis', error);
  } finally {
    await store.close().catch(() => undefined);
    await artifacts.close();
  }
}

async function bucket(config: Config): Promise<Finding> {
  // To make it is the service's business.
  const artifacts = await chooseArtifacts({ ...config, S3_CREATE_BUCKET: false });
  try {
    await artifacts.check();
    return finding('S3', 'ok', 'the bucket can be written, read and listed');
  } catch (error) {
    const absent = error instanceof Error && error.cause instanceof Error && error.cause.name === 'NoSuchBucket';
    if (absent && config.S3_CREATE_BUCKET) return finding('S3', 'ok', 'the server answers; the service will make the bucket');
    return failure('S3', error);
  } finally {
    await artifacts.close();
  }
}

/** What the configuration shares with other processes: a Redis, a bucket. Nothing where it names neither. */
export async function examineShared(config: Config): Promise<Finding[]> {
  const hasBucket = config.S3_BUCKET !== undefined || config.S3_ENDPOINT !== undefined;
  return Promise.all([...(config.redisUrl === undefined ? [] : [redis(config, config.redisUrl)]), ...(hasBucket ? [bucket(config)] : [])]);
}
