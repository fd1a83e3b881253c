import type { CodeFile, InputFile, Settings } from './settings.ts';

/** The programs of jobs that were sent from here, in the browser's own database: the service gives no uploads back. */

export interface KeptProgram {
  id: string;
  at: number;
  code: CodeFile[];
  input: InputFile[];
  settings: Settings;
}

const NAME = 'job-runner';
const STORE = 'programs';
const MAX_KEPT = 100;
const MAX_BYTES = 16 * 1024 ** 2;

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.addEventListener('upgradeneeded', () => {
      request.result.createObjectStore(STORE, { keyPath: 'id' }).createIndex('at', 'at');
    });
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(new Error('the browser’s database can’t be opened', { cause: request.error })));
  });
}

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(new Error('the browser’s database failed', { cause: request.error })));
  });

const sizeOf = (file: CodeFile | InputFile): number => ('text' in file ? file.text.length : file.blob.size);

/** Keeps a job's program, unless it is large. Where the browser keeps nothing, re-running a job means to open its files again. */
export async function keepProgram(program: KeptProgram): Promise<void> {
  if ([...program.code, ...program.input].reduce((sum, file) => sum + sizeOf(file), 0) > MAX_BYTES) return;
  const database = await open();
  try {
    const programs = database.transaction(STORE, 'readwrite').objectStore(STORE);
    await done(programs.put(program));
    const ids = await done(programs.index('at').getAllKeys());
    for (const id of ids.slice(0, -MAX_KEPT)) await done(programs.delete(id));
  } finally {
    database.close();
  }
}

export async function keptProgram(id: string): Promise<KeptProgram | undefined> {
  const database = await open();
  try {
    return (await done(database.transaction(STORE).objectStore(STORE).get(id))) as KeptProgram | undefined;
  } finally {
    database.close();
  }
}
