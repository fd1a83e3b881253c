/** What one owner may have. Undefined: as much as there is. */
export interface Limits {
  /** Jobs that wait. */
  maxQueued: number | undefined;
  /** Jobs that run at once; more of them wait. */
  maxRunning: number | undefined;
  jobsPerMinute: number | undefined;
  /** Of requests with a body, whatever becomes of them. */
  uploadBytesPerMinute: number | undefined;
  /** Uploads, logs and artifacts of all jobs together. */
  storedBytes: number | undefined;
  /** Event streams that are open at once. */
  maxViewers: number | undefined;
}

/** Who asks. */
export interface Caller {
  /** The name of the key; empty where there are no keys, and then every job is everybody's. */
  owner: string;
  limits: Limits;
}

export const NO_LIMITS: Limits = {
  maxQueued: undefined,
  maxRunning: undefined,
  jobsPerMinute: undefined,
  uploadBytesPerMinute: undefined,
  storedBytes: undefined,
  maxViewers: undefined,
};

/** Everybody, where there are no keys. */
export const ANYBODY: Caller = { owner: '', limits: NO_LIMITS };
