import { Readable } from 'node:stream';
import type { JobSpec } from '../../api/spec.ts';
import { problemOfPath } from '../../artifacts/path.ts';
import type { Config } from '../../config.ts';
import { ApiError } from '../../errors.ts';
import { fieldsOf, refuseTooMany } from '../../http/json-body.ts';
import type { ProgramFile } from '../../jobs/submit-program.ts';
import type { SessionFile, Sessions } from './sessions.ts';

/** A file of an earlier session, and where the program is to find it. */
export interface Reference {
  name: string;
  file: SessionFile;
}

export interface Execution {
  spec: Partial<JobSpec>;
  files: ProgramFile[];
  references: Reference[];
}

interface Program {
  entry: string;
  files: Record<string, string>;
}

const MIB = 1024 ** 2;
/** What jobs have without a word of theirs; the files that they are given come on top. */
const MEM_MB = 512;
const DISK_MB = 256;
/** Output is held in memory, on both sides. */
const OUTPUT_LIMIT_MB = 1;
/** Where programs see their folder. */
const FOLDER = '/mnt/data/';

const refuse = (message: string): never => {
  throw new ApiError('invalid_request', message);
};

const python = (code: string): Program => ({ entry: 'main.py', files: { 'main.py': code } });

/** LibreChat's agents read and change files with bash; Python gives way to it. */
const bash = (code: string): Program => ({
  entry: '.main.py',
  files: { '.main.py': 'import os, sys\nos.execv("/bin/bash", ["bash", "main.sh", *sys.argv[1:]])\n', 'main.sh': code },
});

const LANGUAGES: Record<string, (code: string) => Program> = { py: python, python, bash, sh: bash };

/** Reads POST /exec. @throws ApiError with the one message that a LibreChat client would get */
export async function readExec(body: unknown, sessions: Sessions, config: Config): Promise<Execution> {
  const { lang, code, args, files, timeout } = fieldsOf(body);
  const language = Object.hasOwn(LANGUAGES, String(lang)) ? LANGUAGES[String(lang)] : undefined;
  if (language === undefined) return refuse(`Unsupported language: ${String(lang)}`);
  if (typeof code !== 'string') return refuse('code is required as a string');
  if (timeout !== undefined && timeout !== null && !(typeof timeout === 'number' && timeout > 0))
    return refuse('timeout must be a positive number of milliseconds');

  const named = Array.isArray(files) ? files : [];
  refuseTooMany(named.length, config);
  const references = await Promise.all(named.map((reference) => find(reference, sessions)));
  const program = language(code);
  // The program's own file goes last: what it was given before can't take its place.
  const placed = new Map<string, ProgramFile>();
  for (const { name, file } of references) placed.set(name, { path: name, content: contentOf(file) });
  for (const [path, text] of Object.entries(program.files)) placed.set(path, { path, content: Readable.from([Buffer.from(text)]) });
  const givenMb = Math.ceil(references.reduce((sum, { file }) => sum + file.size, 0) / MIB);

  return {
    references: references.filter(({ name }) => !Object.hasOwn(program.files, name)),
    files: [...placed.values()],
    spec: {
      entry: program.entry,
      args: (args ?? []) as string[],
      ...(typeof timeout === 'number' ? { timeout_sec: Math.min(Math.ceil(timeout / 1000), config.MAX_TIMEOUT_SEC) } : {}),
      mem_limit_mb: Math.min(MEM_MB + givenMb, config.MAX_MEM_MB),
      disk_limit_mb: Math.min(DISK_MB + givenMb, config.MAX_DISK_MB),
      output_limit_mb: Math.min(OUTPUT_LIMIT_MB, config.MAX_OUTPUT_MB),
      split_output: true,
      workspace: 'writable',
      labels: { api: 'librechat' },
    },
  };
}

async function find(value: unknown, sessions: Sessions): Promise<Reference> {
  const { id, name: given, storage_session_id, session_id } = fieldsOf(value);
  const sessionId = storage_session_id ?? session_id;
  if (typeof id !== 'string' || typeof sessionId !== 'string' || typeof given !== 'string')
    return refuse('each of files needs id, storage_session_id and name');
  const name = given.startsWith(FOLDER) ? given.slice(FOLDER.length) : given;
  const problem = problemOfPath(name);
  if (problem !== undefined) return refuse(`the file name ${problem}`);
  const file = await sessions.find(sessionId, id);
  if (file === undefined) throw new ApiError('not_found', `File not found: ${name}`);
  return { name, file };
}

async function* contentOf(file: SessionFile): AsyncGenerator<Uint8Array> {
  const stream = await file.open();
  if (stream === undefined) throw new ApiError('not_found', `File not found: ${file.name}`);
  yield* stream as AsyncIterable<Uint8Array>;
}
