import type { Job } from '../api/job.ts';
import type { JobRecord } from '../store/store.ts';
import { endingOf } from './outcome.ts';
import { isFinal } from './state.ts';

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** A job's record in the words of the wire. */
export function viewOf(record: JobRecord): Job {
  const ending = record.outcome === null ? undefined : endingOf(record.outcome);
  return {
    id: record.id,
    spec: record.spec,
    status: record.status,
    created_at: new Date(record.createdAt).toISOString(),
    started_at: time(record.startedAt),
    finished_at: time(record.finishedAt),
    exit_code: ending?.exitCode ?? null,
    error: ending?.error ?? null,
    artifacts: isFinal(record.status) ? record.artifacts.map((artifact) => artifact.name) : [],
    signal: ending?.signal ?? null,
    cause: ending?.cause ?? null,
    usage:
      record.usage === null ? null : { wall_ms: record.usage.wallMs, cpu_ms: record.usage.cpuMs, max_rss_bytes: record.usage.maxRssBytes },
    attempt: record.attempt,
    labels: record.spec.labels,
    log_truncated: record.logTruncated,
  };
}
