import type { Readable } from 'node:stream';
import type { Artifact } from '../api/job.ts';

/** The two folders that a client uploads into. */
export type UploadArea = 'code' | 'input';

/** An upload in progress: nothing of it is seen by anybody until `commit`, nothing is left of it after `discard`. */
export interface Upload {
  /** Writes one file. Throws ApiError `invalid_spec` for an unusable path or one sent twice. Resolves with what was written. */
  write(area: UploadArea, path: string, content: AsyncIterable<Uint8Array>): Promise<{ size: number; sha256: string }>;
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/** Host folders with a job's uploads, readable until `dispose`. Both exist, even when nothing was uploaded. */
export interface Inputs {
  codeDir: string;
  inputDir: string;
  dispose(): Promise<void>;
}

/** A file that a job left, as the sandbox hands it out: a regular file, opened without following any link. */
export interface OutputFile {
  /** Path relative to the output folder, `/` between segments; valid UTF-8, no `.` or `..` segments. */
  name: string;
  size: number;
  /** The whole content, from its beginning at each call: keeping may have to start anew. */
  open(): Readable;
}

export interface OpenArtifact {
  size: number;
  modifiedAt: number;
  /** Bytes `start` to `end`, both included (as in an HTTP range); the whole file without. */
  stream(range?: { start: number; end: number }): Readable;
  /** Where drivers let clients fetch for themselves: an address that works for a while and answers with these headers. */
  link?(response: { type: string; disposition: string }): Promise<string>;
}

/**
 * Code, inputs and outputs as files under a job id. Inputs travel through it too, so that a worker on another host
 * needs no shared folder.
 */
export interface Artifacts {
  readonly name: string;
  /** Resolves when files can be written and read, else throws a StartError with the line that mends it. */
  check(): Promise<void>;

  /**
   * Removes what uploads left that a killed process had begun and that nothing was added to for `minAgeMs`. 0 is for the only
   * process there is, at its start; while others may be uploading, it is longer than any upload takes.
   */
  sweep(minAgeMs: number): Promise<void>;

  stage(jobId: string): Promise<Upload>;
  inputs(jobId: string): Promise<Inputs>;
  /**
   * Keeps one output file; its hash and type are taken while it is copied. Keeping a name again replaces it. When `lost` aborts, before
   * it is replaced, this rejects with its reason and has changed nothing: the files are the next attempt's.
   */
  keep(jobId: string, file: OutputFile, lost?: AbortSignal): Promise<Artifact>;
  /** Removes what an earlier attempt kept; when `lost` has aborted, rejects with its reason and removes nothing more. */
  clearOutputs(jobId: string, lost?: AbortSignal): Promise<void>;
  /** Undefined when there is no such job or artifact, whatever tricks the name tries. */
  open(jobId: string, name: string): Promise<OpenArtifact | undefined>;
  /**
   * Keeps the log of a job that is over, in the form that its store gives it; no client reaches it by a name. The job need not have files. Keeping again replaces
   * it in one step, and content that breaks off (then this rejects) changes nothing.
   */
  keepLog(jobId: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Undefined when none was kept. */
  openLog(jobId: string): Promise<OpenArtifact | undefined>;
  /** Removes everything of a job. Removing what is not there is no error. */
  remove(jobId: string): Promise<void>;
  /** Ids of all jobs that have files, with the time of their last change; to find what a crash left behind. */
  ids(): AsyncIterable<{ id: string; modifiedAt: number }>;
  close(): Promise<void>;
}
