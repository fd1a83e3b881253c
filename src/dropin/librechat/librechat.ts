import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, ERROR_CODES } from '../../errors.ts';
import type { FormLimits } from '../../http/form.ts';
import { sendError } from '../../http/problem.ts';
import type { App } from '../../http/typed-app.ts';
import { takeJson } from '../../http/json-body.ts';
import { outputOf } from '../output.ts';
import type { DropInParts } from '../parts.ts';
import { goneSignal, runJob } from '../run-job.ts';
import { batchAnswer, execAnswer, listAnswer, objectAnswer, uploadAnswer } from './answers.ts';
import { readExec } from './exec.ts';
import { createSessions, type SessionFile, type Sessions } from './sessions.ts';
import { readUploadForm, type TakenFile } from './upload-form.ts';
import { keepUpload } from './uploads.ts';

const MAX_FIELD_BYTES = 4096;

/** What LibreChat's clients read of an error. */
const told = (error: ApiError) => {
  const { status } = ERROR_CODES[error.code];
  return { status: status === 422 ? 400 : status, type: 'application/json', body: { error: error.message, message: error.message } };
};

const hidden = { schema: { hide: true } };

type Place = FastifyRequest<{ Params: { session: string; file: string } }>;

/**
 * LibreChat's code interpreter (https://github.com/LibreChat-AI/code-interpreter, service/src/service/router.ts), for
 * `LIBRECHAT_CODE_BASEURL=http://host:port/v1`: an execution is a job, and its files are a session.
 */
export async function librechatRoutes(app: App, parts: DropInParts): Promise<void> {
  await app.register(async (scope) => routes(scope, parts), { prefix: '/v1' });
}

function routes(scope: App, parts: DropInParts): void {
  const { config, jobsOf, artifacts, admission } = parts;
  const sessionsOf = (request: FastifyRequest): Sessions => createSessions(jobsOf(request), artifacts, request.caller);
  const limits: FormLimits = {
    maxBytes: config.MAX_UPLOAD_MB * 1024 ** 2,
    maxFiles: config.MAX_UPLOAD_FILES,
    maxFieldBytes: MAX_FIELD_BYTES,
  };
  takeJson(scope, limits.maxBytes);
  scope.setErrorHandler((error, request, reply) => sendError(reply, request, error, told));
  scope.setNotFoundHandler((request, reply) => sendError(reply, request, new ApiError('not_found', 'Not Found'), told));

  scope.get('/health', hidden, async () => ({ status: 'ok' }));

  scope.post('/exec', hidden, async (request, reply) => {
    const sessions = sessionsOf(request);
    const { spec, files, references } = await readExec(request.body, sessions, config);
    const job = await runJob(parts, request, spec, files, goneSignal(reply));
    return execAnswer(job, sessions.ofJob(job), references, await outputOf(jobsOf(request), job));
  });

  const upload = async (request: FastifyRequest): Promise<{ id: string | undefined; taken: TakenFile[] }> => {
    const { caller } = request;
    admission.lookForWaiting(caller);
    let taken: TakenFile[] = [];
    const kept = await keepUpload(artifacts, caller, async (staged) => {
      const form = await readUploadForm(request.raw, staged, limits);
      taken = form.taken;
      return form;
    });
    if (kept !== undefined)
      admission.countWaiting(
        caller,
        kept.upload.files.reduce((sum, { size }) => sum + size, 0),
      );
    return { id: kept?.id, taken };
  };

  scope.post('/upload', hidden, async (request) => {
    const { id, taken } = await upload(request);
    const failed = taken.find((file) => file.status === 'error');
    if (id !== undefined && failed === undefined) return uploadAnswer(id, taken);
    if (id !== undefined) await artifacts.remove(id);
    throw new ApiError('invalid_request', failed?.error ?? 'No files provided');
  });

  scope.post('/upload/batch', hidden, async (request, reply) => {
    const { id, taken } = await upload(request);
    if (id !== undefined) return batchAnswer(id, taken);
    return reply.code(400).send(
      taken.length === 0
        ? { error: 'No files provided' }
        : {
            message: 'error',
            files: taken.map(({ name, ...rest }) => ({ ...rest, filename: name })),
            succeeded: 0,
            failed: taken.length,
          },
    );
  });

  scope.get('/files/:session', hidden, async (request: FastifyRequest<{ Params: { session: string }; Querystring: { detail?: string } }>) =>
    // Like a folder that nobody has put anything into.
    listAnswer((await sessionsOf(request).list(request.params.session)) ?? [], request.query.detail ?? 'simple'),
  );

  const requireFile = async (request: Place): Promise<SessionFile> => {
    const { params } = request;
    const file = await sessionsOf(request).find(params.session, params.file);
    if (file === undefined) throw new ApiError('not_found', 'File not found');
    return file;
  };

  scope.get('/download/:session/:file', hidden, async (request: Place, reply) => {
    const file = await requireFile(request);
    const stream = await file.open();
    if (stream === undefined) throw new ApiError('not_found', 'File not found');
    return reply
      .headers({
        'content-length': file.size,
        'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.name.split('/').at(-1) ?? 'file')}`,
        'x-content-type-options': 'nosniff',
      })
      .type(file.contentType)
      .send(stream);
  });

  scope.get('/sessions/:session/objects/:file', hidden, async (request: Place) => objectAnswer(await requireFile(request)));

  const remove = async (request: Place, reply: FastifyReply): Promise<FastifyReply> => {
    const { params } = request;
    if (!(await sessionsOf(request).remove(params.session, params.file))) throw new ApiError('not_found', 'File not found');
    return reply.send({ message: 'File deleted successfully', session_id: params.session, fileId: params.file });
  };
  // The second is what clients up to 0.8.6 ask for.
  scope.delete('/files/:session/:file', hidden, remove);
  scope.delete('/sessions/:session/objects/:file', hidden, remove);
}
