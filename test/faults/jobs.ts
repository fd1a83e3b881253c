import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { readStream } from '../support/service.ts';

/** A job that was accepted, and what must come of it. */
export interface Accepted {
  id: string;
  number: number;
  lines: number;
}

const PROGRAM = `import sys, time, os
number, lines, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
for i in range(lines):
  print(f"{number} line {i}", flush=True)
  time.sleep(pause)
with open(os.path.join(os.environ["JOB_OUTPUT_DIR"], "result.txt"), "w") as out:
  out.write(f"result of {number}\\n" * 1000)
`;

export const resultOf = (number: number): string => `result of ${number}\n`.repeat(1000);

/** Asks again while nobody answers, or with 503 or 507. */
export async function insist(url: () => string, path: string, init?: () => RequestInit): Promise<Response> {
  for (;;) {
    try {
      const response = await fetch(url() + path, { ...init?.(), signal: AbortSignal.timeout(15_000) });
      if (response.status !== 503) return response;
      await response.body?.cancel();
    } catch {
      // Nobody is there now.
    }
    await delay(200);
  }
}

/** Submits until it is accepted. The key makes asking again safe, whatever became of the first request. */
export async function submitSurely(url: () => string, run: string, number: number, lines: number, pauseSec: number): Promise<Accepted> {
  const response = await insist(url, '/jobs', () => {
    const form = new FormData();
    form.set('spec', JSON.stringify({ args: [String(number), String(lines), String(pauseSec), run], timeout_sec: 300, labels: { run } }));
    form.set('code_files', new Blob([PROGRAM]), 'main.py');
    return { method: 'POST', body: form, headers: { 'idempotency-key': `${run}-${number}` } };
  });
  if (response.status !== 200) throw new Error(`job ${number} was answered ${response.status}: ${await response.text()}`);
  return { id: ((await response.json()) as { job_id: string }).job_id, number, lines };
}

export interface Ended {
  status: string;
  attempt: number;
  /** What is wrong with it, in words; empty: nothing. */
  wrong: string[];
}

interface View {
  job: { status: string; attempt: number; finished_at: string | null; artifacts: string[]; error: string | null };
  log_lines: number;
}

export async function viewOf(url: () => string, id: string): Promise<View | undefined> {
  const response = await insist(url, `/jobs/${id}`);
  return response.status === 200 ? ((await response.json()) as View) : undefined;
}

async function wholeStream(url: () => string, id: string): Promise<{ ids: number[]; lines: string[] }> {
  for (;;) {
    const events = await readStream(`${url()}/jobs/${id}/logs/stream`);
    if (events.at(-1)?.event === 'end') {
      const entries = events.slice(0, -1);
      return { ids: entries.map((event) => Number(event.id)), lines: entries.map(({ data }) => data) };
    }
    await delay(200);
  }
}

/** Looks at all that is left of a job that is over. */
export async function examineJob(url: () => string, { id, number, lines }: Accepted): Promise<Ended> {
  const view = await viewOf(url, id);
  if (view === undefined) return { status: 'missing', attempt: 0, wrong: ['it is not there any more'] };
  const { job, log_lines: logLines } = view;
  const wrong: string[] = [];
  const { ids, lines: log } = await wholeStream(url, id);
  if (ids.some((seq, index) => seq !== index + 1)) wrong.push('its log has a gap, or something twice');
  if (ids.length !== logLines) wrong.push(`its log has ${ids.length} entries, and should have ${logLines}`);
  if (log.filter((line) => line.startsWith('[runner] finished')).length !== 1) wrong.push('it did not end exactly once');
  const expected = [...Array.from({ length: lines }, (_, i) => `${number} line ${i}`), '[runner] finished with code 0'];
  if (log.slice(-expected.length).join('\n') !== expected.join('\n')) wrong.push('its last attempt’s lines are not all there');
  if (job.status !== 'succeeded') wrong.push(`it ended as ${job.status}: ${job.error}`);
  const file = await insist(url, `/jobs/${id}/artifacts/result.txt`);
  const content = await file.text();
  if (file.status !== 200 || content !== resultOf(number)) wrong.push('its artifact is lost or damaged');
  const tag = `"${createHash('sha256').update(content).digest('hex')}"`;
  if (file.headers.get('etag') !== tag) wrong.push('its artifact is not what its record says');
  return { status: job.status, attempt: job.attempt, wrong };
}
