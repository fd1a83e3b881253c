import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { StartError } from './errors.ts';
import { parseSecret } from './webhooks/sign.ts';

/** The only reader of the environment. docs/configuration.md is generated from this schema. */

const whole = (min: number, max = Number.MAX_SAFE_INTEGER) => {
  const error =
    max === Number.MAX_SAFE_INTEGER ? `must be a whole number, at least ${min}` : `must be a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int(error).min(min, error).max(max, error);
};
const flag = z.enum(['0', '1']).transform((value) => value === '1');
const httpUrl = z
  .string()
  .refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ''), 'must be a URL such as http://minio:9000')
  .refine(
    (value) => (URL.parse(value)?.username ?? '') === '',
    'must not hold credentials; those are S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY',
  );
const commaList = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

const aliases = z.string().transform((value, context) => {
  const pairs: Record<string, string> = {};
  for (const item of value.split(',').filter((part) => part.trim() !== '')) {
    const [from, to, ...rest] = item.split('=').map((part) => part.trim());
    if (!from || !to || rest.length > 0) context.addIssue(`"${item}" is not of the form python3.12=python3.11`);
    else pairs[from] = to;
  }
  return pairs;
});

const webhookSecrets = commaList.transform((texts, context) =>
  texts.flatMap((text) => {
    const secret = parseSecret(text);
    // Never the text itself: it may be a secret all but for its form.
    if (secret === undefined) context.addIssue('must be whsec_ and 24 to 64 bytes in base64: echo whsec_$(openssl rand -base64 32)');
    return secret === undefined ? [] : [secret];
  }),
);

/** Values of OTEL_TRACES_SAMPLER, by the OpenTelemetry specification. */
const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** An address or a range of them, as 10.0.0.0/8 and fd00::/8. */
const isRange = (text: string): boolean => [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()].some((rule) => rule.safeParse(text).success);
const ranges = commaList.superRefine((items, context) => {
  for (const item of items) if (!isRange(item)) context.addIssue(`"${item}" is neither an address nor a range such as 10.0.0.0/8`);
});
/** What a job calls so is its own. */
const LOOPBACK_RANGE = /^(127\.|::1(\/|$))/;
const privateRanges = ranges.superRefine((items, context) => {
  for (const item of items.filter((each) => LOOPBACK_RANGE.test(each)))
    context.addIssue(`"${item}" is loopback, of which each job has its own; name another address of this machine`);
});
const NAME_SERVER = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/;
const nameServers = commaList.superRefine((items, context) => {
  for (const item of items) {
    const [, bracketed, plain, port = '53'] = z.ipv6().safeParse(item).success ? [item, item] : (NAME_SERVER.exec(item) ?? []);
    const isAddress = z.ipv6().safeParse(bracketed).success || z.ipv4().safeParse(plain).success;
    if (!isAddress || Number(port) < 1 || Number(port) > 65_535)
      context.addIssue(`"${item}" is no address of a name server, such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353`);
  }
});

const images = z.string().transform((value, context) => {
  const pairs: Record<string, string> = {};
  for (const item of value.split(',').filter((part) => part.trim() !== '')) {
    const [, name, image] = /^\s*([^=\s]+)=(\S+)\s*$/.exec(item) ?? [];
    if (name === undefined || image === undefined) context.addIssue(`"${item}" is not of the form python3.12=job-runner-exec:py3.12`);
    else pairs[name] = image;
  }
  return pairs;
});

export const environment = z.object({
  HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address to listen on. Anything but loopback needs `API_KEYS_FILE` or `ALLOW_ANONYMOUS=1`.'),
  PORT: whole(0, 65535).default(8000).describe('Port to listen on; 0 takes any free one.'),
  API_KEYS_FILE: z
    .string()
    .optional()
    .describe('File of the keys that open the service, made by `job-runner keys create NAME` (docs/keys.md). Unset: none are asked for.'),
  ALLOW_ANONYMOUS: flag.default(false).describe('`1`: everybody who reaches the address may run code.'),
  CORS_ORIGINS: commaList.default([]).describe('Origins whose pages may call the API, separated by commas; `*` for all.'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('How much the service itself logs.'),

  METRICS: flag.default(true).describe('`0`: no Prometheus metrics at /metrics.'),
  METRICS_TOKEN: z
    .string()
    .min(16, 'must have at least 16 characters')
    .optional()
    .describe(
      'Bearer token that opens /metrics. Without it, any API key does where there are keys, and everybody may look where there are none.',
    ),
  WORKER_METRICS_PORT: whole(0, 65535)
    .optional()
    .describe('Port on which a worker of its own answers GET /metrics. Unset: it answers nothing.'),
  WORKER_METRICS_HOST: z.string().default('127.0.0.1').describe('And the address. Anything but loopback needs `METRICS_TOKEN`.'),

  WEBHOOK_SECRET: webhookSecrets
    .default([])
    .describe(
      'Signs what is told to jobs’ `callback_url` (docs/webhooks.md): `whsec_` and 24 to 64 bytes in base64, as `echo whsec_$(openssl rand -base64 32)` makes one. Several, separated by commas, all sign. Unset: jobs with a `callback_url` are refused.',
    ),
  WEBHOOK_ALLOW_PRIVATE: ranges
    .default([])
    .describe(
      'Addresses and ranges that callbacks may be told at though they are not public: `10.1.0.0/16,127.0.0.1`. This machine’s own addresses and clouds’ metadata only when named alone.',
    ),
  WEBHOOK_TIMEOUT_MS: whole(100, 60_000).default(10_000).describe('How long one try to tell a callback may take.'),

  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .optional()
    .describe(
      'Address of an OpenTelemetry collector, such as `http://localhost:4318`: jobs are traced, over OTLP/HTTP with JSON. The exporter’s other variables hold too (`OTEL_EXPORTER_OTLP_HEADERS`, `…_TIMEOUT`, `…_CERTIFICATE`).',
    ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.string().optional().describe('The same, with its whole path, for traces only.'),
  OTEL_SDK_DISABLED: z.enum(['true', 'false']).default('false').describe('`true`: no traces, whatever else is set.'),
  OTEL_SERVICE_NAME: z.string().default('job-runner').describe('What the service is called in traces.'),
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default('parentbased_always_on').describe('Which traces are taken.'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1).describe('Share of the traces that a sampler by ratio takes.'),
  OTEL_BSP_SCHEDULE_DELAY: whole(0).default(5000).describe('How many milliseconds spans are gathered before they are sent.'),

  JOB_DATA_DIR: z.string().min(1).default('data/jobs').describe('Folder for the jobs’ database and files.'),
  S3_BUCKET: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Bucket for the jobs’ files, on any server that speaks S3, instead of the folder (docs/deploying.md). Default: `job-runner` where `S3_ENDPOINT` is set.',
    ),
  S3_ENDPOINT: httpUrl.optional().describe('The S3 server, such as `http://minio:9000`. Default: Amazon’s, for the region.'),
  S3_PUBLIC_ENDPOINT: httpUrl.optional().describe('Where clients reach the same server, for `S3_PRESIGNED`. Default: `S3_ENDPOINT`.'),
  S3_REGION: z.string().optional().describe('Region of the bucket. Default: `AWS_REGION`, else `us-east-1`.'),
  AWS_REGION: z.string().optional().describe('Used where `S3_REGION` is unset.'),
  S3_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9!_.*'()/-]*$/, "may be made of letters, digits and !_.*'()/- only")
    .max(200)
    .transform((value) => (value === '' || value.endsWith('/') ? value : `${value}/`))
    .default('')
    .describe('Begins the names of all objects, so that a bucket can be shared.'),
  S3_ACCESS_KEY_ID: z
    .string()
    .optional()
    .describe('Credentials for the bucket. Default: those that Amazon’s tools would use: `AWS_ACCESS_KEY_ID`, files, the machine’s role.'),
  S3_SECRET_ACCESS_KEY: z.string().optional().describe('The secret that belongs to it.'),
  S3_PATH_STYLE: flag
    .optional()
    .describe('`1`: the bucket’s name goes into the path and not into the host’s name. Default: `1` where `S3_ENDPOINT` is set.'),
  S3_CREATE_BUCKET: flag.default(false).describe('`1`: make the bucket at start when there is none.'),
  S3_PRESIGNED: flag
    .default(false)
    .describe('`1`: downloads of artifacts are redirected to the S3 server, by links that work for `S3_PRESIGNED_SEC`.'),
  S3_PRESIGNED_SEC: whole(1, 604_800).default(300).describe('How many seconds such a link works.'),
  SQLITE_SYNC: z
    .enum(['normal', 'full'])
    .default('normal')
    .describe(
      '`normal`: nothing accepted is lost when the service dies. `full`: nor when the power fails, at the price of a disk flush for each change.',
    ),
  REDIS_URL: z
    .string()
    .regex(/^(rediss?:\/\/|unix:\/\/\/)\S+$/, 'must begin with redis://, rediss:// or unix:///')
    .optional()
    .describe(
      'Keep the jobs in this Redis (`redis://user:password@host:6379/0`), for many processes (docs/scaling.md). Unset: in SQLite below `JOB_DATA_DIR`; with `INLINE_WORKER=0`, and for workers, `redis://localhost:6379/0`.',
    ),
  REDIS_PREFIX: z
    .string()
    .regex(/^[\w.{}-]{1,64}$/, 'must be up to 64 letters, digits, and any of . _ - { }')
    .default('job-runner')
    .describe('What every key in Redis begins with, so that several services can share one.'),
  INLINE_WORKER: flag
    .default(true)
    .describe('`1`: jobs run in the process that answers requests. `0`: only in workers, which are started with `npm run worker`.'),

  SANDBOX: z
    .enum(['bubblewrap', 'docker', 'none'])
    .optional()
    .describe(
      'What isolates jobs (docs/sandbox.md). Default: bubblewrap, or Docker where bubblewrap can’t work. `none` runs jobs without isolation, as the service’s own user: never for strangers’ code.',
    ),
  USE_DOCKER: flag.optional().describe('`1`: jobs run in Docker containers, as `SANDBOX=docker` says. `0`: never.'),
  JOB_RUN_IMAGE: z
    .string()
    .min(1)
    .default('job-runner-exec:py3.12')
    .describe(
      'Image that jobs run in under Docker. It is never pulled: build it with `docker build -f Dockerfile.exec -t job-runner-exec:py3.12 .`',
    ),
  JOB_RUN_IMAGES: images
    .default({})
    .describe('Several images instead, each for a runtime: `python3.12=job-runner-exec:py3.12,science=my/science:1`.'),
  DOCKER_HOST: z
    .string()
    .optional()
    .describe('The engine: `unix:///path/to/docker.sock` or `tcp://host:2376`. Default: the usual sockets of Docker and Podman.'),
  DOCKER_CERT_PATH: z.string().optional().describe('Folder with ca.pem, cert.pem and key.pem, for an engine over TLS.'),
  DOCKER_NETWORK: z
    .string()
    .regex(/^(?!(?:host|none|default)$)[\w.-]+$/, 'must be the name of a network of the engine’s, other than host and none')
    .optional()
    .describe(
      'Network of the engine’s that jobs with a `net_policy` leave through (docs/network.md). Default: the engine’s own, `bridge`.',
    ),
  DOCKER_RUNTIME: z.string().optional().describe('OCI runtime of the engine’s for jobs, such as `runsc` (gVisor) or `kata`.'),
  SANDBOX_UID: whole(1000, 4_000_000_000)
    .default(54_321)
    .describe('First host user id that jobs get when the service runs as root; one for each job at a time, counted up from here.'),

  NET_OUTBOUND: flag.default(true).describe('`0`: no job gets a network, whatever its `net_policy` (docs/network.md).'),
  NET_DENY: ranges
    .default([])
    .describe('Addresses and ranges that no job may reach, besides all that are not public: `203.0.0.0/16,2001:db8::7`.'),
  NET_ALLOW_PRIVATE: privateRanges
    .default([])
    .describe(
      'Addresses and ranges that jobs may reach though they are not public. This machine’s own addresses and clouds’ metadata only when named alone.',
    ),
  NET_DNS: nameServers.default([]).describe('Name servers that resolve jobs’ names. Default: those of /etc/resolv.conf.'),
  NET_FLOWS: whole(1, 4096).default(256).describe('Connections of one job at once, and conversations over UDP.'),

  CONCURRENCY: whole(1, 1024).default(availableParallelism()).describe('Jobs that run at once. Default: the number of cores.'),
  WARM_STARTS: flag
    .default(true)
    .describe(
      '`1`: Python programs start from interpreters that have imported their packages ahead (docs/warm-starts.md). `0`: each gets a new one.',
    ),
  WARM_POOL: whole(1, 1024)
    .default(Math.max(2, availableParallelism()))
    .describe('Warm sandboxes kept ready for the default runtime when nothing is going on. Default: the number of cores.'),
  WARM_POOL_MAX: whole(1, 1024)
    .default(4 * Math.max(2, availableParallelism()))
    .describe('Warm sandboxes made ahead at most, when jobs come quickly; fewer where a tenth of the free memory is less than that.'),
  WARM_RECYCLE_JOBS: whole(1).default(1000).describe('After how many jobs the process that warm sandboxes are forked from is replaced.'),
  WARM_RECYCLE_MINUTES: whole(1).default(60).describe('And after how many minutes.'),
  MAX_ATTEMPTS: whole(1, 10).default(2).describe('How often a job is started when workers die.'),
  LEASE_MS: whole(1000).default(10_000).describe('After how many milliseconds without a sign of life a worker counts as dead.'),
  DRAIN_GRACE_MS: whole(0).default(10_000).describe('How long running jobs may go on after SIGTERM before they go back to the queue.'),

  DEFAULT_RUNTIME: z
    .string()
    .optional()
    .describe('Runtime of jobs that name none. Default: `python3.12` where there is one, else the newest.'),
  RUNTIME_ALIASES: aliases.default({}).describe('Other names for runtimes: `python3.12=python3.11,python=python3.11`.'),
  RUNTIME_PACKAGES: z
    .enum(['prepare', 'off'])
    .default('prepare')
    .describe('`prepare`: fill the default runtime with the packages of runtimes/python/requirements.txt at the first start.'),
  PYTHON_SEARCH_PATH: commaList
    .optional()
    .describe('Folders to look for Python interpreters in, separated by commas, instead of the usual ones.'),

  DROP_IN_PISTON: flag.default(true).describe('`0`: do not answer as Piston under /api/v2.'),
  DROP_IN_LIBRECHAT: flag.default(true).describe('`0`: do not answer as LibreChat’s code interpreter under /v1.'),
  MCP: flag.default(true).describe('`0`: no Model Context Protocol at /mcp.'),
  MCP_HOSTS: commaList
    .default([])
    .describe(
      'Names, besides the loopback’s, under which /mcp may be asked for, separated by commas; `*` for any, behind a proxy that checks.',
    ),

  TOKEN_TTL_SEC: whole(1, 86_400).default(600).describe('How long a token of `POST /jobs/{id}/token` opens what it is for.'),
  TOKEN_SECRET: z
    .string()
    .min(32)
    .optional()
    .describe('What tokens are signed with, the same for all servers behind one address. Default: made once, and kept in the data folder.'),
  MAX_QUEUED: whole(0).default(10_000).describe('Jobs that wait at most, whosever they are; 0 for no bound.'),
  KEY_MAX_QUEUED: whole(0).default(1000).describe('Jobs of one key’s owner that wait; 0 for no bound, as for all of these.'),
  KEY_MAX_RUNNING: whole(0).default(0).describe('Jobs of one owner that run at once; more of them wait.'),
  KEY_JOBS_PER_MINUTE: whole(0).default(600).describe('Jobs that one owner may submit in a minute, to each server.'),
  KEY_UPLOAD_MB_PER_MINUTE: whole(0).default(1024).describe('MiB that one owner may send in a minute, to each server.'),
  KEY_STORED_MB: whole(0).default(5120).describe('MiB of all jobs of one owner together: uploads, logs and artifacts.'),
  KEY_MAX_VIEWERS: whole(0).default(500).describe('Event streams of one owner that are open at once, at each server.'),

  MAX_TIMEOUT_SEC: whole(1).default(600).describe('Ceiling for `timeout_sec`.'),
  MAX_CPUS: z.coerce.number().positive().default(availableParallelism()).describe('Ceiling for `cpu_limit`. Default: the number of cores.'),
  MAX_MEM_MB: whole(33).default(4096).describe('Ceiling for `mem_limit_mb`.'),
  MAX_PIDS: whole(1).default(1024).describe('Ceiling for `pids_limit`.'),
  MAX_DISK_MB: whole(1).default(4096).describe('Ceiling for `disk_limit_mb`.'),
  MAX_OUTPUT_MB: whole(1).default(1024).describe('Ceiling for `output_limit_mb`.'),

  MAX_CONNECTIONS: whole(0).default(20_000).describe('Connections at once; 0 for as many as the system allows.'),
  MAX_CONNECTIONS_PER_ADDRESS: whole(0)
    .default(1000)
    .describe('Of one address, this machine’s own excepted (an IPv6 network of 64 bits counts as one); 0 for no bound.'),
  MAX_HEADER_KB: whole(1, 1024).default(16).describe('Size of a request’s address and header fields together in KiB.'),
  HEADERS_TIMEOUT_MS: whole(100).default(20_000).describe('For a request’s header fields to come in.'),
  REQUEST_TIMEOUT_MS: whole(100).default(600_000).describe('For the whole of a request to come in.'),
  BODY_IDLE_TIMEOUT_MS: whole(100).default(30_000).describe('How long a request’s body may stand still.'),
  MAX_UPLOAD_MB: whole(1).default(100).describe('Bytes of one request in MiB, all files together.'),
  MAX_UPLOAD_FILES: whole(1).default(1000).describe('Files of one request.'),
  MAX_SPEC_KB: whole(1).default(1024).describe('Size of the part `spec` in KiB.'),
  MAX_WAIT_SEC: whole(0).default(300).describe('Ceiling for `?wait=`.'),

  MAX_ARTIFACTS: whole(0).default(1000).describe('Files kept of one job.'),
  MAX_ARTIFACT_DEPTH: whole(1).default(32).describe('Folders inside one another in the output folder.'),
  MAX_COLLECT_MS: whole(100).default(60_000).describe('Time that collecting the files of one job may take.'),

  RETENTION_HOURS: z.coerce
    .number()
    .min(0)
    .default(168)
    .describe('Finished jobs older than this are removed with their files; 0 keeps them for ever.'),
  RETENTION_GB: z.coerce
    .number()
    .min(0)
    .default(20)
    .describe('When all jobs together are larger than this many GiB, finished ones are removed, oldest first; 0 for no bound.'),
  HEARTBEAT_MS: whole(100)
    .default(15_000)
    .describe('How often an idle stream carries a comment, so that nobody between takes it for dead.'),
});

export type Environment = z.output<typeof environment>;

export interface Config extends Environment {
  /** Absolute. */
  dataDir: string;
  /** Undefined: the embedded store. */
  redisUrl: string | undefined;
  /** The sandbox that is asked for by name; undefined for the best there is. */
  sandbox: Environment['SANDBOX'];
}

/** Where the original service's Redis was when nothing was said. */
const USUAL_REDIS = 'redis://localhost:6379/0';

/** Whether an address to listen on is reached from this machine only. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

/** Reads the configuration; every problem is told at once. Throws a StartError. */
export function readConfig(variables: NodeJS.ProcessEnv = process.env): Config {
  // An empty variable counts as unset, as compose files and shells produce them.
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new StartError(`The configuration is wrong:\n  ${problems.join('\n  ')}`, 'see docs/configuration.md');
  }
  const config = parsed.data;
  if (!isLoopback(config.HOST) && !config.ALLOW_ANONYMOUS && config.API_KEYS_FILE === undefined) {
    throw new StartError(
      `HOST=${config.HOST} would let anybody who reaches this machine run code on it.`,
      'set API_KEYS_FILE (`job-runner keys create NAME` makes it), or ALLOW_ANONYMOUS=1 if that is what you want',
    );
  }
  if (config.ALLOW_ANONYMOUS && config.API_KEYS_FILE !== undefined) {
    throw new StartError('API_KEYS_FILE lets in who has a key, and ALLOW_ANONYMOUS=1 everybody.', 'unset one of them');
  }
  if (config.USE_DOCKER !== undefined && config.SANDBOX !== undefined && config.USE_DOCKER !== (config.SANDBOX === 'docker')) {
    throw new StartError(
      `USE_DOCKER=${Number(config.USE_DOCKER)} and SANDBOX=${config.SANDBOX} contradict each other.`,
      'unset USE_DOCKER',
    );
  }
  if ((config.S3_ACCESS_KEY_ID === undefined) !== (config.S3_SECRET_ACCESS_KEY === undefined)) {
    throw new StartError('S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY belong together, and one of them is unset.', 'set both, or none');
  }
  const byFlag = config.USE_DOCKER === undefined ? undefined : config.USE_DOCKER ? 'docker' : 'bubblewrap';
  return {
    ...config,
    dataDir: resolve(config.JOB_DATA_DIR),
    redisUrl: config.REDIS_URL ?? (config.INLINE_WORKER ? undefined : USUAL_REDIS),
    sandbox: config.SANDBOX ?? byFlag,
  };
}

/** The configuration of a worker of its own. It listens nowhere, and its jobs are in Redis. Throws a StartError. */
export const readWorkerConfig = (variables: NodeJS.ProcessEnv = process.env): Config =>
  readConfig({ ...variables, INLINE_WORKER: '0', HOST: '', ALLOW_ANONYMOUS: '', API_KEYS_FILE: '' });
