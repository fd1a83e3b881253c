import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type CollectedSpan } from '../support/collector.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

const CLIENT_TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT_SPAN = 'b7ad6b7169203331';
const traceparent = `00-${CLIENT_TRACE}-${CLIENT_SPAN}-01`;
const SHOW = 'import os; print(os.environ.get("TRACEPARENT"))';

let home: ServiceHome;
beforeAll(async () => {
  home = await serviceHome();
});
afterAll(() => home?.close());

interface Ran {
  id: string;
  logs: string;
}

async function run(service: RunningService, code: string, spec: object = {}, headers: Record<string, string> = {}): Promise<Ran> {
  const body = new FormData();
  body.append('spec', JSON.stringify(spec));
  body.append('code_files', new File([code], 'main.py'));
  const answer = await fetch(`${service.url}/jobs/sync`, { method: 'POST', body, headers });
  const { job_id: id, logs } = (await answer.json()) as { job_id: string; logs: string };
  return { id, logs };
}

const inLog = ({ logs }: Ran): string | undefined => /^(None|00-.*)$/m.exec(logs)?.[1];

describe('traces', () => {
  it('go from the client through the job into its program, and to the collector', async () => {
    const collector = await startCollector();
    const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'runner-under-test', OTEL_BSP_SCHEDULE_DELAY: '0' };
    const service = await home.start(variables);
    const ran = await run(service, SHOW, {}, { traceparent });
    const failed = await run(service, 'raise SystemExit(3)');
    await service.kill('SIGTERM');
    await collector.close();

    const of = (id: string): Record<string, CollectedSpan> =>
      Object.fromEntries(collector.spans.filter((span) => span.attributes['job.id'] === id).map((span) => [span.name, span]));
    const spans = of(ran.id);
    const names = ['job submit', 'job queue', 'job attempt', 'job start', 'job run', 'job collect'];
    expect(Object.keys(spans).toSorted()).toEqual(names.toSorted());
    for (const span of Object.values(spans)) {
      expect([span.service, span.traceId]).toEqual(['runner-under-test', CLIENT_TRACE]);
      expect(span.endMs).toBeGreaterThanOrEqual(span.startMs);
    }
    const [submit, queue, attempt, start, program, collect] = names.map((name) => spans[name]);
    expect(submit?.parentSpanId).toBe(CLIENT_SPAN);
    for (const span of [queue, attempt]) expect(span?.parentSpanId).toBe(submit?.spanId);
    for (const span of [start, program, collect]) expect(span?.parentSpanId).toBe(attempt?.spanId);
    expect(inLog(ran)).toBe(`00-${CLIENT_TRACE}-${attempt?.spanId}-01`);
    expect(attempt?.attributes).toMatchObject({ 'job.status': 'succeeded', 'job.end': 'finished' });

    const other = of(failed.id);
    expect(other['job submit']?.parentSpanId).toBeUndefined();
    expect(other['job attempt']).toMatchObject({ isError: true, attributes: { 'job.cause': 'exit_nonzero', 'job.exit_code': 3 } });
    expect(new Set(Object.values(other).map((span) => span.traceId)).size).toBe(1);
  });

  it('of clients reach the program where nothing is traced here, unless the job says otherwise', async () => {
    const service = await home.start();
    expect(inLog(await run(service, SHOW, {}, { traceparent }))).toBe(traceparent);
    expect(inLog(await run(service, SHOW, {}, { traceparent: 'nonsense' }))).toBe('None');
    expect(inLog(await run(service, SHOW, { env: { TRACEPARENT: '00-own' } }, { traceparent }))).toBe('00-own');
    await service.kill('SIGTERM');
  });

  it('cost no job anything when the collector is away', async () => {
    const service = await home.start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_BSP_SCHEDULE_DELAY: '0' });
    expect((await run(service, 'print("ran")')).logs).toContain('ran\n');
    await service.kill('SIGTERM');
  });
});
