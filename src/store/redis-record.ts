import type { Artifact, Status } from '../api/job.ts';
import type { JobSpec } from '../api/spec.ts';
import type { Outcome, Usage } from '../jobs/outcome.ts';
import type { JobRecord } from './store.ts';

/** Fields of a job's hash as Redis gives them. What isn't known yet isn't there. */
export type Fields = Record<string, string>;

/** A job with what only the store knows of it. */
export interface StoredJob {
  job: JobRecord;
  cancelAsked: boolean;
  token: string | undefined;
}

/** Names and values, one after the other, as a script returns a hash. */
export function fieldsOf(flat: readonly string[]): Fields {
  const fields: Fields = {};
  for (let at = 0; at + 1 < flat.length; at += 2) fields[flat[at] ?? ''] = flat[at + 1] ?? '';
  return fields;
}

const json = <T>(text: string | undefined): T | null => (text === undefined ? null : (JSON.parse(text) as T));
const number = (text: string | undefined): number | null => (text === undefined ? null : Number(text));

/** Undefined for a hash that isn't there. */
export function storedJob(id: string, fields: Fields): StoredJob | undefined {
  const { spec, runtime, status } = fields;
  if (spec === undefined || runtime === undefined || status === undefined) return undefined;
  return {
    job: {
      id,
      owner: fields['owner'] ?? '',
      spec: JSON.parse(spec) as JobSpec,
      runtime,
      traceparent: fields['traceparent'] ?? null,
      status: status as Status,
      attempt: Number(fields['attempt'] ?? 0),
      createdAt: Number(fields['created_at']),
      startedAt: number(fields['started_at']),
      finishedAt: number(fields['finished_at']),
      outcome: json<Outcome>(fields['outcome']),
      usage: json<Usage>(fields['usage']),
      artifacts: json<Artifact[]>(fields['artifacts']) ?? [],
      logLines: Number(fields['log_lines'] ?? 0),
      logTruncated: fields['log_truncated'] === '1',
      bytes: Number(fields['bytes']),
    },
    cancelAsked: fields['cancel_asked'] === '1',
    token: fields['lease_token'],
  };
}
