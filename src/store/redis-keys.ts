/** Names of keys, all under one prefix, so that several services can share a Redis. Scripts make the same names from the prefix. */
export interface Keys {
  /** `job-runner:`: what every key begins with. */
  readonly prefix: string;
  /** BullMQ's keys, below ours. */
  readonly queuePrefix: string;
  /** The record of a job: a hash. */
  job(id: string): string;
  /** The log of a job that is alive: a stream. */
  log(id: string): string;
  /** The channel on which processes tell each other what can't wait. */
  readonly news: string;
  readonly all: string;
  status(status: string): string;
  label(encoded: string): string;
  owned(encoded: string): string;
  owner(encoded: string): string;
  readonly probe: string;
}

export function createKeys(name: string): Keys {
  const prefix = `${name}:`;
  return {
    prefix,
    queuePrefix: `${prefix}queue`,
    job: (id) => `${prefix}job:${id}`,
    log: (id) => `${prefix}log:${id}`,
    news: `${prefix}news`,
    all: `${prefix}all`,
    status: (status) => `${prefix}status:${status}`,
    label: (encoded) => `${prefix}label:${encoded}`,
    owned: (encoded) => `${prefix}owned:${encoded}`,
    owner: (encoded) => `${prefix}owner:${encoded}`,
    probe: `${prefix}probe`,
  };
}

/** A label, or all labels of a name, as a part of a key: without spaces, whatever a client wrote. */
export const encodeLabel = (name: string, value?: string): string =>
  Buffer.from(JSON.stringify(value === undefined ? [name] : [name, value])).toString('base64url');

export const encodeOwner = (owner: string): string => Buffer.from(owner).toString('base64url');
