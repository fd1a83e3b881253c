import type { FastifyReply } from 'fastify';
import semver from 'semver';
import { ApiError, ERROR_CODES } from '../../errors.ts';
import { sendError } from '../../http/problem.ts';
import type { App } from '../../http/typed-app.ts';
import { fieldsOf, takeJson } from '../../http/json-body.ts';
import { outputOf } from '../output.ts';
import type { DropInParts } from '../parts.ts';
import { goneSignal, runJob } from '../run-job.ts';
import { runResult } from '../run-result.ts';
import { readExecute } from './request.ts';
import { LANGUAGE, pistonPackages, pistonRuntimes } from './runtimes.ts';

/** What Piston's clients read of an error. Whatever is wrong with a request itself is 400 to them. */
const told = (error: ApiError) => {
  const { status } = ERROR_CODES[error.code];
  return { status: status === 422 ? 400 : status, type: 'application/json', body: { message: error.message } };
};

const hidden = { schema: { hide: true } };

/** Piston's API, version 2 (https://github.com/engineer-man/piston, docs/api-v2.md): each execution is a job. */
export async function pistonRoutes(app: App, parts: DropInParts): Promise<void> {
  // Its public instance had the second one.
  for (const prefix of ['/api/v2', '/api/v2/piston']) {
    await app.register(async (scope) => routes(scope, parts), { prefix });
  }
}

function routes(scope: App, parts: DropInParts): void {
  const { config, jobsOf, runtimes } = parts;
  takeJson(scope, config.MAX_UPLOAD_MB * 1024 ** 2);
  scope.setErrorHandler((error, request, reply) => sendError(reply, request, error, told));
  scope.setNotFoundHandler((request, reply) => sendError(reply, request, new ApiError('not_found', 'Not Found'), told));
  scope.addHook('onRequest', async ({ method, headers }) => {
    if (['GET', 'HEAD', 'OPTIONS'].includes(method) || headers['content-type']?.startsWith('application/json')) return;
    throw new ApiError('unsupported_media_type', 'requests must be of type application/json');
  });

  scope.get('/runtimes', hidden, async () => pistonRuntimes(runtimes));
  scope.get('/packages', hidden, async () => pistonPackages(runtimes));

  scope.post('/execute', hidden, async (request, reply) => {
    const { runtime, spec, files } = readExecute(request.body, runtimes, config);
    const job = await runJob(parts, request, spec, files, goneSignal(reply));
    const output = await outputOf(jobsOf(request), job);
    return { run: { ...output, ...runResult(job, output) }, language: LANGUAGE, version: runtime.version };
  });

  /** What is installed is the machine's business; Piston answers 500 to what can't be done with a package. */
  const refusePackage = (message: string) => async (request: { body: unknown }, reply: FastifyReply) => {
    const { language, version } = fieldsOf(request.body);
    const isHere =
      language === LANGUAGE && typeof version === 'string' && runtimes.list().some((runtime) => semver.satisfies(runtime.version, version));
    return isHere
      ? reply.code(500).send({ message })
      : reply.code(404).send({ message: `Requested package ${String(language)}-${String(version)} does not exist` });
  };
  scope.post('/packages', hidden, refusePackage('Already installed'));
  scope.delete('/packages', hidden, refusePackage('Interpreters belong to the machine and can’t be uninstalled from here'));
}
