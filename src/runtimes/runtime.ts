/** An interpreter on this host, as a sandbox needs to know it. All paths are the host's. */
export interface HostInterpreter {
  /** The binary, links resolved, such as `/usr/bin/python3.11`. */
  executable: string;
  /** Its installation (`sys.base_prefix`), such as `/usr`; holds the binary and the standard library. */
  prefix: string;
  /** A virtual environment's folder with further packages. */
  venv?: string;
  /** `3.11`: names the folder `lib/python3.11`. */
  series: string;
  /** File of matplotlib's font list in the environment's `lib/`, made ahead: without it every first plot searches all fonts. */
  fontList?: string;
}

/** An interpreter in a container image. */
export interface ImageInterpreter {
  /** The image's id, which names its content: a tag may be moved while jobs wait. */
  image: string;
  /** The binary, as containers of the image see it. */
  executable: string;
  /** What containers of the image have in their environment. */
  environment: Readonly<Record<string, string>>;
  /** Normalized names of its packages. */
  packages: readonly string[];
}

/** Each driver of the sandbox runs one kind. */
export type Interpreter = HostInterpreter | ImageInterpreter;

/** What somebody who submits a job knows of a runtime: an interpreter with its packages, under a name such as `python3.12`. */
export interface KnownRuntime {
  name: string;
  /** `3.12.1`. */
  version: string;
  state: 'ready' | 'preparing' | 'failed';
  /** Why it is not ready, and what mends it. */
  detail?: string;
  packages: Record<string, string>;
  /** Why its jobs can have no network where those of others could, and what mends it. */
  noNetwork?: { reason: string; remedy: string };
}

/** A runtime on this host. */
export interface Runtime extends KnownRuntime {
  interpreter: Interpreter;
}

/** What jobs may ask for, wherever it is. */
export interface RuntimeCatalog {
  /** Default first, then the newest first. */
  list(): KnownRuntime[];
  /** The runtime that a client's word means: after aliases. Undefined when there is none. */
  resolve(name: string): KnownRuntime | undefined;
  /** May change where workers tell what they have. */
  readonly defaultName: string;
}

/** What can run here. */
export interface Runtimes extends RuntimeCatalog {
  list(): Runtime[];
  get(name: string): Runtime | undefined;
  resolve(name: string): Runtime | undefined;
  /** Calls back whenever a runtime's state has changed; returns how to stop that. */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}
