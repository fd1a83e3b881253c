/** One job's way through the service, as a client sees it. Milliseconds from the start of the request. */
export interface Latency {
  firstLineMs: number;
  endMs: number;
}

export function formOf(program: string, spec: object = {}): FormData {
  const form = new FormData();
  form.append('spec', JSON.stringify(spec));
  form.append('code_files', new File([program], 'main.py'));
  return form;
}

export async function submit(base: string, program: string, spec: object = {}): Promise<string> {
  const response = await fetch(`${base}/jobs`, { method: 'POST', body: formOf(program, spec) });
  if (!response.ok) throw new Error(`not accepted: ${await response.text()}`);
  return ((await response.json()) as { job_id: string }).job_id;
}

export async function latency(base: string, program: string): Promise<Latency> {
  const begun = performance.now();
  const id = await submit(base, program);
  const response = await fetch(`${base}/jobs/${id}/logs/stream`);
  let text = '';
  let firstLineMs = Number.NaN;
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true });
    // The runner's own first line is not the program's.
    if (Number.isNaN(firstLineMs) && /^data: (?!\[runner\])/m.test(text)) firstLineMs = performance.now() - begun;
  }
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
