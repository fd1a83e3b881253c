import * as fc from 'fast-check';
import { form, type Body } from './forms.ts';
import type { Api, JsonSchema, Operation } from './openapi.ts';
import { text, valueOf } from './values.ts';

/** One request. Where its path has `{job}`, it is about a job that exists by then: the one that `job` counts to. */
export interface Shot {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Body | undefined;
  who: 'alice' | 'bob' | 'nobody' | 'somebody';
  job: number;
}

/** The head and body of a request as bytes, for what no client would send. */
export interface RawShot {
  bytes: Buffer;
}

const JOB = '{job}';
const METHODS = ['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'];

const jobId = fc.oneof(
  { weight: 8, arbitrary: fc.constant(JOB) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '0'.repeat(32),
      'f'.repeat(32),
      'F'.repeat(32),
      '0'.repeat(31),
      `${JOB}0`,
      '..',
      '.',
      '%2e%2e',
      '',
      '%00',
      'sync',
    ),
  },
  { weight: 1, arbitrary: text.map((part) => encodeURIComponent(part.toWellFormed())) },
);

const artifactName = fc.oneof(
  fc.constantFrom('a%20b.txt', '0.html', 'log.txt'),
  fc.constantFrom(
    '../../../../etc/passwd',
    '..%2f..%2f..%2fetc%2fpasswd',
    '%2e%2e/%2e%2e/etc/passwd',
    '..%5c..%5cetc',
    '%252e%252e%252fetc',
    '/etc/passwd',
    '%2fetc%2fpasswd',
    'a%20b.txt%00.html',
    'a%20b.txt/',
    '%c0%ae%c0%ae/etc',
    '%',
    '%zz',
    '%e9',
    'a'.repeat(5000),
    'a/'.repeat(500),
  ),
  text.map((name) => encodeURIComponent(name.toWellFormed())),
);

const HEADERS: Record<string, string[]> = {
  'last-event-id': ['0', '1', '99999999999', '-1', 'x', '1, 2', '1e3', ''],
  range: [
    'bytes=0-0',
    'bytes=5-',
    'bytes=-1',
    'bytes=9999999-',
    'bytes=3-1',
    'bytes=0-0,2-3',
    'bytes=',
    'x',
    'bytes=-0',
    'bytes=99999999999999999999-',
  ],
  'if-none-match': ['*', '"x"', 'W/"x"', '""', ','],
  'if-modified-since': ['Thu, 01 Jan 1970 00:00:00 GMT', 'now', '9'.repeat(400)],
  'if-range': ['"x"', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  'idempotency-key': ['k', 'k2', 'a b', '', 'k'.repeat(256), 'é'],
  prefer: ['wait=0', 'wait=999999999', 'respond-async, wait=1', 'wait', 'wait="'],
  accept: ['text/event-stream', 'application/json', '*/*;q=0', ',,,'],
  'accept-encoding': ['gzip', 'br;q=0', '*'],
  'x-request-id': ['ok-1', 'a b', 'x'.repeat(129), '"><script>'],
  origin: ['null', 'http://localhost', 'https://evil.example'],
  expect: ['100-continue'],
  'x-forwarded-for': ['127.0.0.1', "' OR 1"],
  'x-http-method-override': ['DELETE'],
  'content-type': ['application/json', 'text/plain; charset=utf-99', 'multipart/form-data', ';', 'a/b/c'],
  'content-encoding': ['gzip'],
  traceparent: ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x'],
  te: ['trailers'],
  'x-large': ['x'.repeat(8000), 'x'.repeat(20_000)],
};

const headers: fc.Arbitrary<Record<string, string>> = fc
  .subarray(Object.keys(HEADERS), { maxLength: 3 })
  .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, fc.constantFrom(...(HEADERS[name] ?? []))]))));

const who = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom<Shot['who']>('alice', 'bob') },
  { weight: 1, arbitrary: fc.constantFrom<Shot['who']>('nobody', 'somebody') },
);

const queryText = (value: unknown): string => {
  const plain = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return encodeURIComponent(plain.toWellFormed());
};

function query(operation: Operation): fc.Arbitrary<string> {
  const known = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
  const pair = (name: string, schema: JsonSchema): fc.Arbitrary<string> => valueOf(schema).map((value) => `${name}=${queryText(value)}`);
  const pairs = [
    ...known.map(({ name, schema }) => pair(name, schema)),
    fc.constantFrom(
      'token=x',
      'token=a&token=b',
      'a[b]=c',
      '__proto__=1',
      '=',
      '&&',
      '%',
      '%ff',
      'after=1',
      'limit=1&limit=2',
      'cursor=',
      'wait=0',
    ),
  ];
  return fc.array(fc.oneof(...pairs), { maxLength: 3 }).map((all) => (all.length === 0 ? '' : `?${all.join('&')}`));
}

const shot = (parts: {
  method: fc.Arbitrary<string>;
  path: fc.Arbitrary<string>;
  body: fc.Arbitrary<Body | undefined>;
}): fc.Arbitrary<Shot> => fc.record({ ...parts, headers, who, job: fc.nat({ max: 1000 }) });

const noBody = fc.constant(undefined);

/** What the operation asks for, and what it does not. */
function shotsAt(operation: Operation, spec: JsonSchema): fc.Arbitrary<Shot> {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  const values = fc.tuple(...names.map((name) => (name === 'id' ? jobId : artifactName)));
  const path = fc
    .tuple(values, query(operation))
    .map(
      ([given, rest]) =>
        names.reduce((filled, name, index) => filled.replace(`{${name}}`, () => given[index] ?? ''), operation.path) + rest,
    );
  const takesForm = operation.requestBody !== undefined;
  return shot({
    method: fc.oneof(
      { weight: 12, arbitrary: fc.constant(operation.method) },
      { weight: 1, arbitrary: fc.constant(operation.method === 'GET' ? 'HEAD' : operation.method) },
      { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
    ),
    path,
    body: takesForm ? form(spec) : fc.oneof({ weight: 9, arbitrary: noBody }, { weight: 1, arbitrary: form(spec) }),
  });
}

const json = (value: fc.Arbitrary<unknown>): fc.Arbitrary<Body> =>
  fc
    .tuple(value, fc.constantFrom('application/json', 'application/json; charset=utf-16', 'text/plain'), fc.nat({ max: 30 }))
    .map(([given, type, cut]) => {
      const whole = Buffer.from(JSON.stringify(given) ?? '');
      return { type: cut > 1 ? 'application/json' : type, bytes: cut === 0 ? whole.subarray(0, -1) : whole };
    });

const any = valueOf({});
const file = fc.record(
  { name: fc.oneof(text, fc.constant('main.py')), content: fc.oneof(fc.constant('print(1)'), any), encoding: any },
  { requiredKeys: ['content'] },
);

/** The drop-ins, MCP, and what the service shows: not described, but to be answered. */
function otherShots(spec: JsonSchema): fc.Arbitrary<Shot> {
  const piston = fc.record(
    {
      language: fc.oneof(fc.constant('python'), any),
      version: fc.constantFrom('*', '3', '3.x', 'x', ''),
      files: fc.oneof(fc.array(file, { maxLength: 2 }), any),
      stdin: any,
      args: any,
      run_timeout: any,
    },
    { requiredKeys: ['language', 'version', 'files'] },
  );
  const exec = fc.record(
    { lang: fc.oneof(fc.constant('py'), any), code: fc.oneof(fc.constant('print(1)'), any), args: any, files: any, timeout: any },
    { requiredKeys: ['lang', 'code'] },
  );
  const call = fc.record({
    jsonrpc: fc.constant('2.0'),
    id: fc.oneof(fc.constant(1), any),
    method: fc.constantFrom('tools/call', 'tools/list', 'resources/read', 'ping', 'initialize', 'x', ''),
    params: fc.oneof(
      fc.record({
        name: fc.constantFrom('get_job', 'cancel_job', 'list_artifacts', 'read_artifact', 'run_python'),
        arguments: fc.record({ job_id: fc.oneof(fc.constant(JOB), text), name: text, code: fc.constant('print(1)') }),
      }),
      any,
    ),
  });
  const post = (path: string, body: fc.Arbitrary<Body>): fc.Arbitrary<Shot> =>
    shot({ method: fc.constant('POST'), path: fc.constant(path), body });
  return fc.oneof(
    post('/api/v2/execute', json(piston)),
    post('/v1/exec', json(exec)),
    post('/v1/upload', form(spec)),
    post('/v1/upload/batch', form(spec)),
    post('/mcp', json(call)),
    shot({
      method: fc.constantFrom(...METHODS),
      path: fc.constantFrom(
        '/',
        '*',
        '//',
        '//evil.example/jobs',
        'http://evil.example/jobs',
        '/jobs/../jobs',
        '/jobs/%2e%2e/jobs',
        '/%6aobs',
        '/JOBS',
        '/jobs;a=b',
        '/jobs/.',
        '/jobs#x',
        '/jobs?',
        '/jobs/',
        '/jobs//',
        '/static/../package.json',
        '/static/%2e%2e/package.json',
        '/static/..%2fpackage.json',
        '/docs/../../package.json',
        '/docs/static/..%2f..%2fpackage.json',
        '/docs/json',
        '/assets/..%2f..%2fpackage.json',
        '/assets/x',
        '/openapi.json',
        '/metrics',
        '/favicon.ico',
        '/v1/files/x',
        '/v1/files/AAAAAAAAAAAAAAAAAAAAA?detail=toString',
        '/v1/download/AAAAAAAAAAAAAAAAAAAAA/AAAAAAAAAAAAAAAAAAAAA',
        '/v1/sessions/x/objects/y',
        '/api/v2/runtimes',
        '/api/v2/packages?x',
        '/mcp',
        `/${'a'.repeat(9000)}`,
        `/jobs?${'a=b&'.repeat(2000)}`,
        '/%00',
        '/%',
        '/%zz',
        '/\u00e9',
      ),
      body: fc.option(form(spec), { nil: undefined, freq: 3 }),
      // What Piston answers 500 to by its own rules.
    }).filter(({ method, path }) => !(path.startsWith('/api/v2/packages') && ['POST', 'DELETE'].includes(method))),
  );
}

/** All kinds of requests. */
export function shots(api: Api): fc.Arbitrary<Shot> {
  const creating = api.operations.find(({ operationId }) => operationId === 'createJob');
  const spec = creating?.requestBody?.content['multipart/form-data']?.schema.properties?.['spec'] ?? {};
  return fc.oneof(...api.operations.map((operation) => ({ weight: operation === creating ? 4 : 1, arbitrary: shotsAt(operation, spec) })), {
    weight: 4,
    arbitrary: otherShots(spec),
  });
}

const LINES = [
  'GET /jobs HTTP/1.1',
  'GET /healthz HTTP/1.0',
  'POST /jobs HTTP/1.1',
  'GET  /jobs  HTTP/1.1',
  'GET /jobs HTTP/9.9',
  'get /jobs HTTP/1.1',
  'GET /jobs',
  'CONNECT evil.example:443 HTTP/1.1',
  'PRI * HTTP/2.0',
  'GET /jobs\0 HTTP/1.1',
  'GET /jobs\u00e9 HTTP/1.1',
  '\x16\x03\x01\x02\x00\x01',
  '',
];
const FIELDS = [
  'Host: test',
  'Host: a\r\nHost: b',
  'Content-Length: 10',
  'Content-Length: -1',
  'Content-Length: 1, 1',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked\r\nContent-Length: 5',
  'Content-Type: multipart/form-data; boundary=x',
  'Content-Type: application/json',
  'Expect: 100-continue',
  'Expect: 200-ok',
  'Upgrade: websocket\r\nConnection: Upgrade',
  ' folded: yes',
  'No colon',
  ': empty',
  'Bad\0Name: x',
  'X: \x7f\x01',
  `Long: ${'x'.repeat(20_000)}`,
];
const BODIES = [
  '',
  '5\r\nhello\r\n0\r\n\r\n',
  'zz\r\n',
  'ffffffffffffffff\r\n',
  '0123456789',
  '--x\r\n\r\n',
  'GET /healthz HTTP/1.1\r\n\r\n',
];

export const rawShots: fc.Arbitrary<RawShot> = fc
  .tuple(fc.constantFrom(...LINES), fc.subarray(FIELDS, { maxLength: 4 }), fc.constantFrom(...BODIES), fc.nat({ max: 9 }))
  .map(([line, fields, body, cut]) => {
    const whole = Buffer.from(`${[line, ...fields, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`, 'latin1');
    return { bytes: cut === 0 ? whole.subarray(0, Math.floor(whole.length / 2)) : whole };
  });
