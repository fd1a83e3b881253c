import { z } from 'zod';
import type { JobSpec } from './spec.ts';

export const STATUSES = ['queued', 'running', 'succeeded', 'failed', 'canceled'] as const;
export const status = z.enum(STATUSES);
export type Status = z.infer<typeof status>;

export const CAUSES = [
  'exit_nonzero',
  'signal',
  'timeout',
  'oom',
  'output_limit',
  'disk_limit',
  'missing_entry',
  'worker_lost',
  'canceled',
  'internal',
] as const;
export const cause = z.enum(CAUSES);
export type Cause = z.infer<typeof cause>;

export const usage = z.object({
  wall_ms: z.number().describe('Wall-clock time of the program'),
  cpu_ms: z.number().describe('CPU time of all its processes'),
  max_rss_bytes: z.number().describe('Peak memory'),
});

const time = z.iso.datetime().nullable();

/** A job on the wire. */
export const job = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  spec: z.record(z.string(), z.unknown()).describe('The specification, defaults filled in') as unknown as z.ZodType<JobSpec>,
  status,
  created_at: z.iso.datetime(),
  started_at: time,
  finished_at: time,
  exit_code: z.int().nullable().describe('128 + n when signal n ended the program'),
  error: z.string().nullable().describe('How it failed, in the words of the original service'),
  artifacts: z.array(z.string()).describe('Sorted names; empty until the job is over'),
  signal: z.string().nullable().describe('Name of the signal that ended the program, such as SIGSEGV'),
  cause: cause.nullable(),
  usage: usage.nullable(),
  attempt: z.int().describe('How often it was started'),
  labels: z.record(z.string(), z.string()),
  log_truncated: z.boolean().describe('Output beyond the limit was cut off'),
});
export type Job = z.infer<typeof job>;

export const jobCreated = z.object({ job_id: job.shape.id, status });
export const jobView = z.object({ job, log_lines: z.int() });
export const jobList = z.object({ jobs: z.array(job), next: z.string().nullable().describe('Pass as ?cursor= for the next page') });

export const artifact = z.object({
  name: z.string().describe('Path relative to the output folder'),
  size: z.int(),
  sha256: z.string(),
  content_type: z.string(),
});
export type Artifact = z.infer<typeof artifact>;
export const artifactList = z.object({ artifacts: z.array(artifact) });

export const jobResult = z.object({
  job_id: job.shape.id,
  status,
  job,
  logs: z.string().describe('The log so far'),
  artifacts: z.array(artifact),
});
