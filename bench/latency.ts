import { Agent, request, type IncomingMessage } from 'node:http';

/** One job's way through the service, as a client sees it. Milliseconds from the start of the request. */
export interface Latency {
  firstLineMs: number;
  endMs: number;
}

/** Kept connections, as a client has them that sends more than one job. It shares the machine with the service, so it is to cost little. */
const agent = new Agent({ keepAlive: true });

const BOUNDARY = 'a-boundary-that-no-program-holds';
const FORM = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
const part = (name: string, text: string, file = ''): string =>
  `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n${text}\r\n`;
const formOf = (program: string, spec: object): string =>
  `${part('spec', JSON.stringify(spec))}${part('code_files', program, '; filename="main.py"')}--${BOUNDARY}--\r\n`;

function send(url: string, headers: Record<string, string>, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method: body === undefined ? 'GET' : 'POST', headers }, resolve);
    sent.once('error', reject);
    sent.end(body);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

export async function submit(base: string, program: string, spec: object = {}): Promise<string> {
  const response = await send(`${base}/jobs`, FORM, formOf(program, spec));
  const text = await textOf(response);
  if (response.statusCode !== 200) throw new Error(`not accepted: ${text}`);
  return (JSON.parse(text) as { job_id: string }).job_id;
}

export async function latency(base: string, program: string): Promise<Latency> {
  const begun = performance.now();
  const id = await submit(base, program);
  const response = await send(`${base}/jobs/${id}/logs/stream`, { accept: 'text/event-stream' });
  let text = '';
  let firstLineMs = Number.NaN;
  response.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    // The runner's own first line is not the program's.
    if (Number.isNaN(firstLineMs) && /^data: (?!\[runner\])/m.test(text)) firstLineMs = performance.now() - begun;
  });
  await new Promise((resolve, reject) => response.once('end', resolve).once('error', reject));
  const endMs = performance.now() - begun;
  if (!text.includes('[runner] finished with code 0')) throw new Error(`the job did not succeed: ${text}`);
  return { firstLineMs, endMs };
}

/** Jobs a second with so many under way at any time, and what each of them took. */
export async function throughput(
  base: string,
  program: string,
  concurrency: number,
  count: number,
): Promise<{ perSecond: number; endMs: number[] }> {
  let left = count;
  const endMs: number[] = [];
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left-- > 0) endMs.push((await latency(base, program)).endMs);
    }),
  );
  return { perSecond: (count / (performance.now() - begun)) * 1000, endMs };
}
