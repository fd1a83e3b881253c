import { StringDecoder } from 'node:string_decoder';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LogStream, NewLogEntry } from '../store/store.ts';

/** A line longer than this many characters becomes several entries, so that memory stays bounded. */
const MAX_LINE_CHARS = 1024 * 1024;
const MAX_BATCH_ENTRIES = 500;
const MAX_BATCH_CHARS = 512 * 1024;
/** Output that comes bit by bit is written at most this often; the first bits after a pause at once. */
const BATCH_MS = 8;
/** How many bits that is: a short program's first and last words, and the runner's. */
const AT_ONCE = 4;
/** How long a line that redraws itself (a progress bar, with a carriage return for each step) is waited for before it is shown as it stands. */
const REDRAWN_MS = 200;

export interface LogWriter {
  /** Takes output as it comes from the program. Resolves when there is room for more. */
  write(stream: LogStream, bytes: Buffer): Promise<void>;
  /** Adds an entry of the runner's. */
  add(entry: NewLogEntry): Promise<void>;
  /** Adds one that may wait a few milliseconds for what comes next, and is then written along with it. */
  addAhead(entry: NewLogEntry): void;
  /** The program has ended: what it left of a line is a line. */
  endLines(): void;
  /** Ends unfinished lines and hands over what is not yet written, for the step that finishes the job. */
  end(): Promise<NewLogEntry[]>;
}

/** Cuts output into lines and writes them in batches. `append` is called with one batch at a time. */
export function createLogWriter(append: (entries: readonly NewLogEntry[]) => Promise<void>): LogWriter {
  let batch: NewLogEntry[] = [];
  let batchChars = 0;
  let writing: Promise<void> | undefined;
  let failure: Error | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** When the next write would have been due if all had kept their distance; lags behind by what has been saved up. */
  let dueAt = -Infinity;
  const unfinished = new Map<LogStream, { decoder: StringDecoder; line: string }>();
  let redrawn: NodeJS.Timeout | undefined;

  const isFull = (): boolean => batch.length >= MAX_BATCH_ENTRIES || batchChars >= MAX_BATCH_CHARS;

  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    if (writing !== undefined) return writing;
    if (batch.length === 0) return Promise.resolve();
    const entries = batch;
    batch = [];
    batchChars = 0;
    const now = performance.now();
    dueAt = Math.max(dueAt, now - (AT_ONCE - 1) * BATCH_MS) + BATCH_MS;
    writing = append(entries)
      .catch((error: unknown) => {
        failure = error instanceof Error ? error : new Error(String(error));
      })
      .then(() => {
        writing = undefined;
        if (batch.length > 0) schedule();
      });
    return writing;
  };

  const schedule = (): void => {
    if (writing !== undefined) return;
    const wait = dueAt - performance.now();
    if (wait <= 0 || isFull()) void flush();
    else timer ??= setTimeout(() => void flush(), wait);
  };

  const push = (stream: LogStream, at: number, text: string): void => {
    batch.push({ stream, at, text });
    batchChars += text.length;
  };

  /** Each step of a progress bar overwrites the last: a line that is never finished is worth seeing nevertheless. */
  const showRedrawn = (): void => {
    redrawn = undefined;
    for (const [stream, state] of unfinished) {
      if (!state.line.includes('\r')) continue;
      push(stream, Date.now(), state.line);
      state.line = '';
    }
    schedule();
  };

  const endLines = (): void => {
    clearTimeout(redrawn);
    redrawn = undefined;
    for (const [stream, { decoder, line }] of unfinished) {
      const rest = line + decoder.end();
      if (rest !== '') push(stream, Date.now(), rest);
    }
    unfinished.clear();
  };

  const roomOrFailure = async (): Promise<void> => {
    schedule();
    while (isFull() && failure === undefined) {
      await flush();
      // A flood must not keep everybody else waiting: one batch, then whoever else has come.
      await nextTurn();
    }
    if (failure !== undefined) throw failure;
  };

  return {
    async write(stream, bytes) {
      const at = Date.now();
      let state = unfinished.get(stream);
      if (state === undefined) unfinished.set(stream, (state = { decoder: new StringDecoder('utf8'), line: '' }));
      const lines = state.decoder.write(bytes).split('\n');
      const last = lines.pop() ?? '';
      for (const line of lines) {
        push(stream, at, `${state.line}${line}\n`);
        state.line = '';
        if (isFull()) await roomOrFailure();
      }
      state.line += last;
      while (state.line.length >= MAX_LINE_CHARS) {
        // Not between the two halves of a character.
        const high = state.line.charCodeAt(MAX_LINE_CHARS - 1);
        const cut = high >= 0xd800 && high <= 0xdbff ? MAX_LINE_CHARS - 1 : MAX_LINE_CHARS;
        push(stream, at, state.line.slice(0, cut));
        state.line = state.line.slice(cut);
      }
      if (last.includes('\r')) redrawn ??= setTimeout(showRedrawn, REDRAWN_MS);
      await roomOrFailure();
    },

    async add(entry) {
      push(entry.stream, entry.at, entry.text);
      await roomOrFailure();
    },

    addAhead(entry) {
      push(entry.stream, entry.at, entry.text);
      timer ??= setTimeout(() => void flush(), BATCH_MS);
    },

    endLines,

    async end() {
      endLines();
      clearTimeout(timer);
      timer = undefined;
      while (writing !== undefined) await writing;
      clearTimeout(timer);
      timer = undefined;
      if (failure !== undefined) throw failure;
      const rest = batch;
      batch = [];
      return rest;
    },
  };
}
