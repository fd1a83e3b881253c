import type { Bucket } from './s3-bucket.ts';
import type { Layout } from './s3-layout.ts';

/**
 * Removes files that belong to no job and are older than `minAgeMs`: of uploads that were killed before they were whole, of jobs whose
 * removing was. Both listings come in the same order, so that one walk through them is enough, however many jobs there are.
 */
export async function sweepBucket(bucket: Bucket, at: Layout, minAgeMs: number): Promise<void> {
  const isOld = (time: number): boolean => time <= Date.now() - minAgeMs;

  for await (const { key, uploadId, begunAt } of bucket.unfinished(at.allFiles)) {
    if (isOld(begunAt)) await bucket.abort(key, uploadId);
  }

  const jobs = bucket.list(at.allJobs);
  let job = await jobs.next();
  for await (const id of bucket.folders(at.allFiles)) {
    while (job.done !== true && job.value.key < at.job(id)) job = await jobs.next();
    if (job.done !== true && job.value.key === at.job(id)) continue;
    if (await isAbandoned(id)) for await (const { key } of bucket.list(at.files(id))) await bucket.remove(key);
  }

  async function isAbandoned(id: string): Promise<boolean> {
    for await (const { modifiedAt } of bucket.list(at.files(id))) if (!isOld(modifiedAt)) return false;
    // It may have become a job since the other listing.
    return (await bucket.head(at.job(id))) === undefined;
  }
}
