import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import cors from '@fastify/cors';
import { fastify, LogController, type FastifyBaseLogger } from 'fastify';
import { validatorCompiler, hasZodFastifySchemaValidationErrors, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Config } from '../config.ts';
import { ApiError } from '../errors.ts';
import { createAdmission, type Admission } from '../jobs/admission.ts';
import { ownJobs } from '../jobs/own-jobs.ts';
import { createSubmitter, type Outbound, type Submitter } from '../jobs/submit.ts';
import type { WatchSubmit } from '../jobs/submit-watch.ts';
import type { RuntimeCatalog } from '../runtimes/runtime.ts';
import type { Store } from '../store/store.ts';
import { artifactRoutes } from './artifacts.ts';
import { guard, type Access } from './auth.ts';
import { answerClientError } from './client-error.ts';
import { boundConnections } from './connections.ts';
import { consoleRoutes } from './console.ts';
import { tellAnswers, type HttpEvents } from './http-events.ts';
import { healthRoutes, type Readiness } from './health.ts';
import { jobRoutes } from './jobs.ts';
import { logRoutes } from './logs.ts';
import { metricsRoutes, type Exposition } from './metrics.ts';
import { describeApi } from './openapi.ts';
import { answerUnknown, sendProblem } from './problem.ts';
import { runtimeRoutes } from './runtimes.ts';
import type { JobsOf } from './schemas.ts';
import { boundSlowBodies } from './slow-bodies.ts';
import { createEventStreams } from './sse.ts';
import { staticRoutes } from './static.ts';
import { boundUploads } from './upload-rate.ts';
import { tokenRoutes } from './tokens.ts';
import type { App } from './typed-app.ts';
import { usageRoutes } from './usage.ts';

export interface AppParts {
  config: Config;
  version: string;
  store: Store;
  artifacts: Artifacts;
  runtimes: RuntimeCatalog;
  readiness: () => Promise<Readiness>;
  logger: Logger;
  access: Access;
  /** What jobs are watched for from their submission on. */
  watch?: WatchSubmit | undefined;
  /** Told of requests and streams. */
  events?: HttpEvents | undefined;
  /** GET /metrics; there is none without. */
  metrics?: Exposition | undefined;
  /** Whether jobs may have a network; left out where only the workers know. */
  outbound?: Outbound;
  /** Further routes, of layers above this one; their jobs are accepted like all others. */
  mount?: (app: App, more: { submitter: Submitter; jobsOf: JobsOf; admission: Admission }) => Promise<void>;
}

const MAX_PATH = 8192;
const REQUEST_ID = /^[\w.:-]{1,128}$/;
/** How often Node looks for requests that are late, at most. */
const MAX_CHECK_MS = 5000;
/** For answers that are being sent when the service stops. */
const CLOSE_GRACE_MS = 2000;
/** Bodies other than uploads: there are none that we want. */
const MAX_OTHER_BODY = 64 * 1024;

const SWITCHED_OFF: Outbound = { possible: false, reason: 'the operator has switched networks off', remedy: 'NET_OUTBOUND=1' };

/** The HTTP side. It knows the store and the files, and nothing of workers. */
export async function createApp(parts: AppParts): Promise<App> {
  const { config, store, artifacts, runtimes, logger, access } = parts;
  // What Fastify has to say below a warning, main.ts says in words for people.
  const level = ['trace', 'debug', 'info'].includes(logger.level) ? 'warn' : logger.level;
  const loggerInstance: FastifyBaseLogger = logger.child({}, { level });
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_OTHER_BODY,
    // For a request to come in; answers may take as long as they like.
    requestTimeout: config.REQUEST_TIMEOUT_MS,
    http: {
      requestTimeout: config.REQUEST_TIMEOUT_MS,
      headersTimeout: Math.min(config.HEADERS_TIMEOUT_MS, config.REQUEST_TIMEOUT_MS),
      connectionsCheckingInterval: Math.min(config.HEADERS_TIMEOUT_MS / 4, MAX_CHECK_MS),
      maxHeaderSize: config.MAX_HEADER_KB * 1024,
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket),
    forceCloseConnections: 'idle',
    // Connections that are open while the service stops are answered once more; the store is there until the last is closed.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PATH },
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    frameworkErrors: (error, request, reply) => {
      // No hook has run yet.
      void sendProblem(reply.header('x-request-id', request.id), request, error);
    },
  }).withTypeProvider<ZodTypeProvider>();

  app.setValidatorCompiler(validatorCompiler);
  // The schemas of answers describe them; what we send is ours.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error, request, reply) =>
    sendProblem(reply, request, hasZodFastifySchemaValidationErrors(error) ? invalidRequest(error) : error),
  );
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  // Without this, a file would be read to its end for its headers alone.
  app.addHook('onSend', async (request, _reply, payload) => {
    if (request.method !== 'HEAD' || !(payload instanceof Readable)) return payload;
    payload.destroy();
    return Readable.from([]);
  });
  // Uploads are read by the routes themselves, as they come.
  app.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null));
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null);
  });
  answerUnknown(app);
  if (parts.events !== undefined) tellAnswers(app, parts.events);

  const limits = {
    maxTimeoutSec: config.MAX_TIMEOUT_SEC,
    maxCpus: config.MAX_CPUS,
    maxMemMb: config.MAX_MEM_MB,
    maxPids: config.MAX_PIDS,
    maxDiskMb: config.MAX_DISK_MB,
    maxOutputMb: config.MAX_OUTPUT_MB,
  };
  if (config.CORS_ORIGINS.length > 0) {
    await app.register(cors, {
      origin: config.CORS_ORIGINS.includes('*') ? '*' : config.CORS_ORIGINS,
      methods: ['GET', 'HEAD', 'POST', 'DELETE'],
      exposedHeaders: [
        'x-request-id',
        'retry-after',
        'ratelimit',
        'ratelimit-policy',
        'www-authenticate',
        'allow',
        'etag',
        'accept-ranges',
        'content-range',
        'content-disposition',
      ],
    });
  }
  boundConnections(app.server, {
    all: config.MAX_CONNECTIONS || undefined,
    perAddress: config.MAX_CONNECTIONS_PER_ADDRESS || undefined,
  });
  guard(app, access);
  boundUploads(app);
  boundSlowBodies(app, config.BODY_IDLE_TIMEOUT_MS);
  await describeApi(app, { ...limits, defaultRuntime: runtimes.defaultName }, parts.version);

  const streams = createEventStreams(config.HEARTBEAT_MS, (change) => parts.events?.viewers(change));
  // A key that was revoked opens nothing, and what it has opened is shut.
  const unwatch = access.keys?.onChange(() => streams.cut(({ keyId }) => keyId !== undefined && access.keys?.byId(keyId) === undefined));
  app.addHook('onClose', async () => unwatch?.());
  app.addHook('preClose', async () => {
    await streams.close();
    // Who is still reading an answer may go on, but not for ever.
    setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS).unref();
  });
  const jobsOf: JobsOf = ({ caller }) => ownJobs(store, caller);
  const admission = createAdmission(store, config.MAX_QUEUED || undefined);
  const outbound = config.NET_OUTBOUND ? parts.outbound : SWITCHED_OFF;
  const callbacks = config.WEBHOOK_SECRET.length > 0;
  const submitter = createSubmitter({ store, artifacts, runtimes, limits, admission, callbacks, watch: parts.watch, outbound });
  jobRoutes(app, { config, jobsOf, artifacts, submitter, admission });
  logRoutes(app, jobsOf, streams);
  artifactRoutes(app, jobsOf, artifacts);
  tokenRoutes(app, config, jobsOf, access.tokens);
  runtimeRoutes(app, runtimes);
  usageRoutes(app, jobsOf);
  healthRoutes(app, parts.readiness);
  if (parts.metrics !== undefined) metricsRoutes(app, parts.metrics, config.METRICS_TOKEN);
  staticRoutes(app);
  consoleRoutes(app);
  await parts.mount?.(app, { submitter, jobsOf, admission });

  // A client that asks before it sends (Expect: 100-continue) is not invited to send what would be refused.
  app.server.on('checkContinue', (request, response) => {
    if (Number(request.headers['content-length'] ?? 0) <= config.MAX_UPLOAD_MB * 1024 ** 2) response.writeContinue();
    app.server.emit('request', request, response);
  });
  return app;
}

function invalidRequest(error: {
  validation: { instancePath: string; message?: string | undefined }[];
  validationContext?: string | undefined;
}): ApiError {
  const where = error.validationContext === 'params' ? '/path' : '/query';
  const errors = error.validation.map((issue) => ({ pointer: `${where}${issue.instancePath}`, detail: issue.message ?? 'is invalid' }));
  return new ApiError('invalid_request', errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; '), { errors });
}
