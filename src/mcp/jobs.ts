import type { Artifact, Job } from '../api/job.ts';
import type { JobSpec } from '../api/spec.ts';

export interface ToolFile {
  path: string;
  bytes: Uint8Array;
}

export interface OutputEntry {
  stream: 'stdout' | 'stderr' | 'runner';
  text: string;
}

export interface OpenedArtifact {
  size: number;
  bytes(): AsyncIterable<Uint8Array>;
}

/** What the tools need of jobs, wherever those are: in this process, or behind a running service's API. */
export interface Jobs {
  /** What programs run on when they don't say, and the main packages there. */
  defaultRuntime(): Promise<{ version: string; packages: Readonly<Record<string, string>> }>;
  /** @throws ApiError when the job is not accepted */
  submit(spec: Partial<JobSpec>, files: readonly ToolFile[]): Promise<string>;
  /** Undefined: no such job. */
  get(id: string): Promise<Job | undefined>;
  cancel(id: string): Promise<Job | undefined>;
  /** Output from the start, as it comes; ends with the job, or when the signal aborts. */
  follow(id: string, signal: AbortSignal): AsyncIterable<readonly OutputEntry[]>;
  /** The log so far. */
  log(id: string): AsyncIterable<string>;
  artifacts(id: string): Promise<readonly Artifact[] | undefined>;
  open(id: string, name: string): Promise<OpenedArtifact | undefined>;
}
