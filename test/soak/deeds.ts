import { createHash, randomBytes } from 'node:crypto';
import type { Attack, Terms } from '../attacks/attack.ts';
import type { Random } from '../faults/random.ts';
import type { Client } from './client.ts';

/**
 * What clients do in a soak, over and over. Each looks at what it gets, to the byte; it resolves with what was not as it must be, or with
 * nothing, and throws when the service fails. `refused` when the owner's bounds said no.
 */
export type Deed = (client: Client, random: Random) => Promise<string[] | 'refused'>;

type Seen = { status: string; exit_code: number | null; cause: string | null; signal: string | null };

/** Throws with what was answered instead of the thing. */
async function answered(response: Response): Promise<Buffer> {
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`${response.url} was answered with ${response.status}: ${bytes.toString().slice(0, 300)}`);
  return bytes;
}
const jobOf = async (client: Client, id: string): Promise<Seen> =>
  (JSON.parse((await answered(await client.get(`/jobs/${id}`))).toString()) as { job: Seen }).job;
const outcome = ({ status, exit_code: code, cause }: Seen): string => `${status}, ${code}, ${cause}`;
const linesOf = (text: string): string[] => [...text.matchAll(/^data: (.*)$/gm)].map((match) => match[1] ?? '');
const expectSame = (what: string, got: string, expected: string): string[] =>
  got === expected ? [] : [`${what}: ${JSON.stringify(got.slice(0, 300))} instead of ${JSON.stringify(expected.slice(0, 300))}`];

const hello: Deed = async (client) => {
  const word = randomBytes(6).toString('hex');
  const id = await client.submit(`import sys\nprint("hello", sys.stdin.read())\n`, { spec: { stdin: word } });
  if (id === undefined) return 'refused';
  const text = await client.follow(id);
  return text.includes(`data: hello ${word}\n`) && text.includes('finished with code 0') ? [] : [`a hello got ${JSON.stringify(text)}`];
};

const LINES = 60;
const TALKER = `import time\nfor i in range(${LINES}):\n    print("line", i, "x" * 200, flush=True)\n    time.sleep(0.03)\n`;
/** One job, and four who watch: to the end, coming and going, leaving for good, never reading. */
const watched: Deed = async (client, random) => {
  const id = await client.submit(TALKER);
  if (id === undefined) return 'refused';
  const leave = [client.stare(id), client.stare(id)];
  setTimeout(() => leave[0]?.(), random.between(50, 800));
  const [whole, hopped] = await Promise.all([client.follow(id), client.hop(id, () => random.between(20, 400))]);
  leave[1]?.();
  const expected = Array.from({ length: LINES }, (_, index) => `line ${index} ${'x'.repeat(200)}`).join('\n');
  const own = (lines: string[]): string => lines.filter((line) => line.startsWith('line ')).join('\n');
  return [...expectSame('who stayed', own(linesOf(whole)), expected), ...expectSame('who came and went', own(hopped), expected)];
};

const FILES = 4;
const FILE_BYTES = 200_000;
const MAKER = `import os, sys
given = open(os.environ["JOB_INPUT_DIR"] + "/seed", "rb").read()
for i in range(${FILES}):
    os.makedirs(f"{os.environ['JOB_OUTPUT_DIR']}/at/{i}", exist_ok=True)
    with open(f"{os.environ['JOB_OUTPUT_DIR']}/at/{i}/file", "wb") as file:
        file.write((given * (${FILE_BYTES} // len(given)))[i:])
`;
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
/** Files are made, fetched one by one and together, and deleted. */
const files: Deed = async (client) => {
  const seed = randomBytes(50).toString('hex');
  const id = await client.submit(MAKER, { inputs: { seed } });
  if (id === undefined) return 'refused';
  const log = await client.follow(id);
  if (!log.includes('finished with code 0')) return [`who made files got ${JSON.stringify(log.slice(0, 500))}`];
  const wrong: string[] = [];
  for (let index = 0; index < FILES; index += 1) {
    const response = await client.get(`/jobs/${id}/artifacts/at/${index}/file`);
    const expected = Buffer.from(seed.repeat(FILE_BYTES / seed.length)).subarray(index);
    wrong.push(...expectSame('a file', hash(await answered(response)), hash(expected)));
  }
  const zip = await answered(await client.get(`/jobs/${id}/artifacts.zip`));
  if (zip.byteLength < 1000) wrong.push(`a zip of ${zip.byteLength} bytes`);
  // And one that breaks off in the middle.
  await (await client.get(`/jobs/${id}/artifacts.zip`)).body?.cancel();
  wrong.push(...expectSame('deleting', String((await client.send('DELETE', `/jobs/${id}`)).status), '204'));
  const gone = await client.get(`/jobs/${id}/artifacts/at/0/file`);
  await gone.text();
  return [...wrong, ...expectSame('what is deleted', String(gone.status), '404')];
};

const canceled: Deed = async (client) => {
  const id = await client.submit('import os, time\nos.fork()\nprint("here", flush=True)\ntime.sleep(60)\n');
  if (id === undefined) return 'refused';
  let asked: Promise<unknown> | undefined;
  await client.follow(id, (text) => {
    if (text.includes('data: here')) asked ??= client.send('POST', `/jobs/${id}/cancel`).then((response) => response.text());
  });
  await asked;
  return expectSame('who was canceled', (await jobOf(client, id)).status, 'canceled');
};

/** Nobody asks for it again: it goes when its time is over. */
const left: Deed = async (client, random) => {
  const code = random.between(0, 3);
  const id = await client.submit(`open("/workspace/output/left", "w").write("x" * 10000)\nraise SystemExit(${code})\n`);
  if (id === undefined) return 'refused';
  await client.follow(id);
  const expected = code === 0 ? 'succeeded, 0, null' : `failed, ${code}, exit_nonzero`;
  return expectSame('an exit', outcome(await jobOf(client, id)), expected);
};

export const GOOD: readonly (readonly [name: string, deed: Deed])[] = [
  ['hello', hello],
  ['hello', hello],
  ['watched by four', watched],
  ['files made, fetched, deleted', files],
  ['canceled', canceled],
  ['left to expire', left],
];

const MIB = 1024 * 1024;
const inWords = ({ exit_code: code, cause, signal }: Seen): string =>
  signal !== null ? `signaled ${signal}` : cause === null || cause === 'exit_nonzero' ? `exited ${code}` : cause;
/** As the sandbox's contract runs them, in the words of a client. */
function specOf({ entry, args, env, stdin, limits = {}, workspace, split }: Terms): object {
  const { timeoutMs = 20_000, memoryBytes = 256 * MIB, pids = 64, diskBytes = 32 * MIB, outputBytes = MIB } = limits;
  return {
    ...(entry === undefined ? {} : { entry }),
    ...(args === undefined ? {} : { args }),
    ...(env === undefined ? {} : { env }),
    ...(stdin === undefined ? {} : { stdin }),
    ...(workspace === undefined ? {} : { workspace }),
    ...(split === undefined ? {} : { split_output: split }),
    timeout_sec: Math.ceil(timeoutMs / 1000),
    cpu_limit: Math.min(0.5, limits.cpus ?? 0.5),
    mem_limit_mb: Math.ceil(memoryBytes / MIB),
    pids_limit: pids,
    disk_limit_mb: Math.ceil(diskBytes / MIB),
    output_limit_mb: Math.ceil(outputBytes / MIB),
  };
}

/** A program of test/attacks: it may get hold of nothing, and ends as is known of it, or by its time on half of a busy processor. */
export const hostile =
  (attack: Attack, given: { files: Record<string, string>; inputs: Record<string, string> }): Deed =>
  async (client) => {
    const { how } = attack;
    const files = { ...given.files, ...how.files };
    const id = await client.submit(attack.program, { spec: specOf(how), files, inputs: given.inputs });
    if (id === undefined) return 'refused';
    const leave = client.stare(id);
    await client.follow(id);
    const log = await (await client.get(`/jobs/${id}/logs`)).text();
    const job = await jobOf(client, id);
    leave();
    const wrong = log.includes('BROKEN') ? [`${attack.id} got through: ${log.slice(0, 500)}`] : [];
    const ends = [...(how.exitAmong ?? [how.exit]), 'timeout'];
    const end = inWords(job);
    return ends.includes(end) ? wrong : [...wrong, `${attack.id} ended with ${end} instead of ${ends.join(' or ')}: ${log.slice(0, 500)}`];
  };
