/** What the API's description says of each operation, with a working example in three languages. A test runs them all. */

export interface OperationText {
  description: string;
  curl: string;
  typescript: string;
  python: string;
}

/** Where a service usually is, and a job: what runs the examples puts its own in their place. */
export const SAMPLE_URL = 'http://localhost:8000';
export const SAMPLE_ID = '019b2a6e5c7d7f3a8b4c9d0e1f2a3b4c';

const curl = (...args: string[]): string => `curl -sS ${args.join(' \\\n  ')}\n`;
const at = (path: string): string => (/[?&*]/.test(path) ? `'${SAMPLE_URL}${path}'` : SAMPLE_URL + path);
const ofJob = (rest = ''): string => at(`/jobs/${SAMPLE_ID}${rest}`);

const typescript = (...lines: string[]): string =>
  `import { createClient } from 'job-runner/client';\n\nconst client = createClient({ url: '${SAMPLE_URL}' });\n${lines.join('\n')}\n`;
const plainFetch = (path: string, ...lines: string[]): string =>
  `const response = await fetch('${SAMPLE_URL}${path}');\n${lines.join('\n')}\n`;
const python = (...lines: string[]): string => `from job_runner import Client\n\nclient = Client("${SAMPLE_URL}")\n${lines.join('\n')}\n`;
const plainPython = (path: string, ...lines: string[]): string =>
  `import json\nfrom urllib.request import urlopen\n\nwith urlopen("${SAMPLE_URL}${path}") as response:\n${lines.map((line) => `    ${line}\n`).join('')}`;

const ID = `'${SAMPLE_ID}'`;
const PY_ID = `"${SAMPLE_ID}"`;
const PROGRAM = `<<'PY'\nimport sys\nprint("hello", sys.argv[1:])\nPY\n`;

export const SAMPLES: Record<string, OperationText> = {
  createJob: {
    description:
      'Takes a program with its files as a form, and answers at once: the job waits for its turn. With `?wait=SECONDS`, or ' +
      '`Prefer: wait=SECONDS`, the answer comes when the job is over, with its log and artifacts, or as it stands when the time is up. ' +
      'An `Idempotency-Key` makes the request safe to repeat: the same key gives the same job. All that is wrong with a job is told at once.',
    curl: `curl -sS '${SAMPLE_URL}/jobs?wait=60' \\\n  -F 'spec={"args": ["a", "b"], "timeout_sec": 20}' \\\n  -F 'code_files=@-;filename=main.py' ${PROGRAM}`,
    typescript: typescript(
      "const { job_id: id } = await client.submit({ code: 'print(\"hello\")', args: ['a', 'b'], timeout_sec: 20 });",
      'console.log(id);',
    ),
    python: python('created = client.submit("print(\'hello\')", args=["a", "b"], timeout_sec=20)', 'print(created.job_id)'),
  },
  runJob: {
    description: 'The same, and waits for the end as long as the service allows.',
    curl: `curl -sS ${SAMPLE_URL}/jobs/sync \\\n  -F 'spec={"args": ["a", "b"]}' \\\n  -F 'code_files=@-;filename=main.py' ${PROGRAM}`,
    typescript: typescript(
      'const { job, stdout, stderr, artifacts } = await client.run({ code: \'print("hello")\' });',
      'console.log(job.status, stdout, stderr, artifacts);',
    ),
    python: python('result = client.run("print(\'hello\')")', 'print(result.job.status, result.stdout, result.stderr, result.artifacts)'),
  },
  listJobs: {
    description: 'Pages of jobs. Without a filter all that the caller may know of; `next` is the `cursor` of the page after, or null.',
    curl: curl(at('/jobs?status=succeeded&limit=10')),
    typescript: typescript(
      "const { jobs, next } = await client.list({ status: 'succeeded', limit: 10 });",
      'console.log(jobs.map((job) => job.id), next);',
    ),
    python: python('page = client.list(status="succeeded", limit=10)', 'print([job.id for job in page.jobs], page.next)'),
  },
  getJob: {
    description: 'What is known of a job: its specification with the defaults filled in, how it stands, and how it ended.',
    curl: curl(ofJob()),
    typescript: typescript(`const job = await client.get(${ID});`, 'console.log(job.status, job.exit_code, job.usage);'),
    python: python(`job = client.get(${PY_ID})`, 'print(job.status, job.exit_code, job.usage)'),
  },
  cancelJob: {
    description:
      'Kills a running job with everything it has started; takes a queued one out of the queue. One that is over stays as it is.',
    curl: curl('-X POST', ofJob('/cancel')),
    typescript: typescript(`const job = await client.cancel(${ID});`, 'console.log(job.status);'),
    python: python(`job = client.cancel(${PY_ID})`, 'print(job.status)'),
  },
  deleteJob: {
    description: 'There is no way back. A job that is not over yet has to be canceled first.',
    curl: curl('-X DELETE', "-w '%{http_code}\\n'", ofJob()),
    typescript: typescript(`await client.delete(${ID});`, "console.log('gone');"),
    python: python(`client.delete(${PY_ID})`, 'print("gone")'),
  },
  createToken: {
    description:
      'For an `<img>`, a link or an `EventSource`, which can’t send a header: `?token=` lets whoever has it read this one job, for minutes.',
    curl: curl('-X POST', ofJob('/token')),
    typescript:
      `const response = await fetch('${SAMPLE_URL}/jobs/${SAMPLE_ID}/token', { method: 'POST' });\n` +
      'const { token, expires_at } = await response.json();\nconsole.log(token, expires_at);\n',
    python: `import json\nfrom urllib.request import Request, urlopen\n\nwith urlopen(Request("${SAMPLE_URL}/jobs/${SAMPLE_ID}/token", method="POST")) as response:\n    print(json.load(response)["token"])\n`,
  },
  getLog: {
    description: 'Standard output, standard error and what the runner says, in one text, as far as it has come.',
    curl: curl(ofJob('/logs')),
    typescript: typescript(`console.log(await client.logs(${ID}));`),
    python: python(`print(client.logs(${PY_ID}))`),
  },
  streamLog: {
    description:
      'Server-sent events: all of the log from its beginning, then each line as it comes, then `event: end`. The `id` of an event is ' +
      'its number: with `Last-Event-ID`, or `?after=`, a viewer goes on where it was, with nothing lost and nothing twice.',
    curl: curl('-N', ofJob('/logs/stream')),
    typescript: plainFetch(
      `/jobs/${SAMPLE_ID}/logs/stream`,
      'for await (const part of response.body.pipeThrough(new TextDecoderStream())) console.log(part);',
    ),
    python: plainPython(`/jobs/${SAMPLE_ID}/logs/stream`, 'for line in response:', '    print(line.decode(), end="")'),
  },
  streamEvents: {
    description:
      'Server-sent events with names and JSON: `stdout`, `stderr` and `runner` are entries of the log, `status` tells of changes, ' +
      '`artifact` of files, and `end` has the finished job. Resumed like the log’s stream.',
    curl: curl('-N', ofJob('/events')),
    typescript: typescript(
      `for await (const event of client.events(${ID})) {`,
      "  if (event.type === 'stdout') console.log(event.seq, event.text);",
      "  if (event.type === 'end') console.log('ended:', event.job.status);",
      '}',
    ),
    python: python(`with client.events(${PY_ID}) as events:`, '    for event in events:', '        print(event)'),
  },
  listArtifacts: {
    description: 'Name, size, SHA-256 and type of each file. There are none before the job is over.',
    curl: curl(ofJob('/artifacts')),
    typescript: typescript(`for (const { name, size } of await client.artifacts(${ID})) console.log(name, size);`),
    python: python(`for artifact in client.artifacts(${PY_ID}):`, '    print(artifact.name, artifact.size)'),
  },
  getArtifact: {
    description:
      'The file’s bytes. `Range`, `If-None-Match` and their kin work. What a browser would run as a page comes as a download, under a ' +
      'policy that lets it do nothing.',
    curl: curl('-o result.csv', "-w '%{size_download} bytes\\n'", ofJob('/artifacts/result.csv')),
    typescript: typescript(`const response = await client.artifact(${ID}, 'result.csv');`, 'console.log(await response.text());'),
    python: python(`with client.artifact(${PY_ID}, "result.csv") as download:`, '    print(download.read())'),
  },
  getArtifactsZip: {
    description: 'Made while it is sent, so its length is not known ahead.',
    curl: curl('-o results.zip', "-w '%{size_download} bytes\\n'", ofJob('/artifacts.zip')),
    typescript: `import { writeFile } from 'node:fs/promises';\n${typescript(
      `const response = await client.zip(${ID});`,
      "await writeFile('results.zip', Buffer.from(await response.arrayBuffer()));",
      "console.log('saved');",
    )}`,
    python: python(`with client.zip(${PY_ID}) as download:`, '    print(len(download.read()), "bytes")'),
  },
  listRuntimes: {
    description: 'The interpreters that jobs may name as `runtime`, each with its state and the packages that it has.',
    curl: curl(at('/runtimes')),
    typescript: typescript('for (const { name, version, state } of await client.runtimes()) console.log(name, version, state);'),
    python: python('for runtime in client.runtimes():', '    print(runtime.name, runtime.version, runtime.state)'),
  },
  getUsage: {
    description: 'For whoever is near a bound, or waits: of the caller’s own jobs where there are API keys, else of all.',
    curl: curl(at('/usage')),
    typescript: plainFetch('/usage', 'console.log(await response.json());'),
    python: plainPython('/usage', 'print(json.load(response))'),
  },
  getHealth: {
    description: 'For whoever restarts a process that hangs.',
    curl: curl(at('/healthz')),
    typescript: plainFetch('/healthz', 'console.log(await response.json());'),
    python: plainPython('/healthz', 'print(json.load(response))'),
  },
  getReadiness: {
    description: 'For whoever sends requests to those that can take them, and for people: what each part guarantees, and what mends it.',
    curl: curl(at('/readyz')),
    typescript: plainFetch('/readyz', 'console.log(await response.json());'),
    python: plainPython('/readyz', 'print(json.load(response))'),
  },
};

const LANGUAGES = [
  ['curl', 'bash', 'curl'],
  ['typescript', 'ts', 'TypeScript'],
  ['python', 'python', 'Python'],
] as const;

/** The description, and the examples twice: in it, for readers, and as `x-codeSamples`, for programs that show them their own way. */
export function textOf(sample: OperationText): { description: string; 'x-codeSamples': { lang: string; label: string; source: string }[] } {
  const blocks = LANGUAGES.map(([name, mark, label]) => `**${label}**\n\n\`\`\`${mark}\n${sample[name]}\`\`\``);
  return {
    description: [sample.description, ...blocks].join('\n\n'),
    'x-codeSamples': LANGUAGES.map(([name, lang, label]) => ({ lang, label, source: sample[name] })),
  };
}
