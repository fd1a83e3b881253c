import type { JobRecord } from '../../store/store.ts';
import type { Output } from '../output.ts';
import { runResult } from '../run-result.ts';
import type { Reference } from './exec.ts';
import type { SessionFile } from './sessions.ts';
import type { TakenFile } from './upload-form.ts';
import { fileIdOf, sessionIdOf } from './ids.ts';

/** Clients up to 2025 say `session_id` where later ones say `storage_session_id`. */
const stored = (sessionId: string): object => ({ storage_session_id: sessionId, session_id: sessionId });

/** A file in the list of an execution. */
interface NamedFile {
  id: string;
  name: string;
  modified_from?: { id: string; storage_session_id: string };
  inherited?: true;
}

/** POST /exec: what was printed, how it ended, and the files that are there for a next time. */
export function execAnswer(job: JobRecord, left: readonly SessionFile[], references: readonly Reference[], printed: Output): object {
  const { code, signal, message, status, wall_time } = runResult(job, printed);
  const given = new Map(references.map((reference) => [reference.name, reference.file]));
  const isKept = (file: SessionFile): boolean => given.get(file.name)?.readOnly !== true;
  const files: NamedFile[] = left.filter(isKept).map(({ id, name, sessionId }) => {
    const before = given.get(name);
    return {
      id,
      name,
      ...stored(sessionId),
      ...(before === undefined ? {} : { modified_from: { id: before.id, storage_session_id: before.sessionId } }),
    };
  });
  const changed = new Set(files.map((file) => file.name));
  for (const [name, { id, sessionId }] of given) {
    if (!changed.has(name)) files.push({ id, name, ...stored(sessionId), inherited: true });
  }
  return {
    session_id: sessionIdOf(job.id),
    stdout: printed.stdout,
    // LibreChat shows its model nothing but the two texts: why a program was stopped must be in one of them.
    stderr: signal === 'SIGKILL' && message !== null ? `${printed.stderr}${message}\n` : printed.stderr,
    files,
    ...{ code, signal, message, status, wall_time },
  };
}

/** POST /upload. */
export const uploadAnswer = (id: string, taken: readonly TakenFile[]): object => ({
  message: 'success',
  ...stored(sessionIdOf(id)),
  files: taken.map(({ name }) => ({ fileId: fileIdOf(name), filename: name })),
});

/** POST /upload/batch. */
export function batchAnswer(id: string, taken: readonly TakenFile[]): object {
  const failed = taken.filter((file) => file.status === 'error').length;
  return {
    message: failed === 0 ? 'success' : 'partial_success',
    ...stored(sessionIdOf(id)),
    files: taken.map((file) =>
      file.status === 'success'
        ? { status: file.status, filename: file.name, fileId: fileIdOf(file.name) }
        : { status: file.status, filename: file.name, error: file.error },
    ),
    succeeded: taken.length - failed,
    failed,
  };
}

const extensionOf = (name: string): string => /\.[^./]+$/.exec(name)?.[0] ?? '';
const objectName = (file: SessionFile): string => `${file.sessionId}/${file.id}${extensionOf(file.name)}`;
const at = (file: SessionFile): string => new Date(file.modifiedAt).toISOString();

/** GET /files/{session}?detail=: the same files, told in four ways. */
const DETAILS: Record<string, (file: SessionFile) => unknown> = {
  simple: objectName,
  summary: (file) => ({ name: objectName(file), size: file.size, lastModified: at(file), etag: file.id }),
  full: (file) => ({
    name: objectName(file),
    size: file.size,
    lastModified: at(file),
    etag: file.id,
    metadata: { 'content-type': file.contentType, 'original-filename': file.name, 'original-filename-encoded': 'none' },
    versionId: null,
    contentType: file.contentType,
  }),
  normalized: (file) => ({
    id: file.id,
    name: file.name,
    ...stored(file.sessionId),
    size: file.size,
    contentType: file.contentType,
    lastModified: at(file),
    ...(file.readOnly ? { read_only: true } : {}),
  }),
};

export const listAnswer = (files: readonly SessionFile[], detail: string): unknown[] =>
  files.map((file) => ((Object.hasOwn(DETAILS, detail) ? DETAILS[detail] : undefined) ?? objectName)(file));

/** GET /sessions/{session}/objects/{file}. */
export const objectAnswer = (file: SessionFile): object => ({
  name: objectName(file),
  originalFilename: file.name,
  size: file.size,
  lastModified: at(file),
  etag: file.id,
  contentType: file.contentType,
  readOnly: file.readOnly,
});
