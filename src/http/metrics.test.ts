import { afterEach, describe, expect, it } from 'vitest';
import { claim, finish, lines, post, startApp, submit, type TestApp } from '../../test/support/app.ts';
import { metricsOf } from '../../test/support/metrics.ts';

let app: TestApp;
afterEach(() => app.close());

const TOKEN = 'a-token-for-metrics-only';
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe('GET /metrics', () => {
  it('is there for everybody where everybody may run jobs', async () => {
    app = await startApp();
    const answer = await fetch(`${app.url}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answer.text()).toContain('\n# TYPE job_runner_jobs gauge\n');
  });

  it('opens to its own token only, where it has one', async () => {
    app = await startApp({ METRICS_TOKEN: TOKEN });
    for (const headers of [{}, bearer('another-token-for-metrics'), { authorization: TOKEN }]) {
      const refused = await fetch(`${app.url}/metrics`, { headers });
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('Bearer')]);
    }
    expect((await metricsOf(app.url, bearer(TOKEN))).has('job_runner_viewers')).toBe(true);
  });

  it('can be switched off', async () => {
    app = await startApp({ METRICS: '0' });
    expect((await fetch(`${app.url}/metrics`)).status).toBe(404);
  });

  it('counts what comes in, what waits, and what came of it', async () => {
    app = await startApp();
    await submit(app.url, { code: { 'main.py': 'print(1)' } });
    const waiting = await metricsOf(app.url);
    expect(waiting.get('job_runner_jobs{state="queued"}')).toBe(1);
    expect(waiting.get('job_runner_queue_oldest_seconds')).toBeGreaterThan(0);
    expect(waiting.get('job_runner_upload_bytes_total')).toBe(8);

    await finish(app.store, await claim(app.store), { log: lines('é\n', 'b\n') });
    const canceled = await submit(app.url);
    for (let i = 0; i < 2; i++) await fetch(`${app.url}/jobs/${canceled}/cancel`, { method: 'POST' });
    await submit(app.url);
    await finish(app.store, await claim(app.store), { outcome: { kind: 'timeout' } });
    expect((await post(app.url, { spec: 'no JSON' })).status).toBe(422);
    expect((await fetch(`${app.url}/nowhere/at/all`)).status).toBe(404);

    const after = await metricsOf(app.url);
    expect(Object.fromEntries(after)).toMatchObject({
      'job_runner_jobs{state="queued"}': 0,
      'job_runner_jobs{state="running"}': 0,
      'job_runner_jobs{state="finished"}': 3,
      job_runner_queue_oldest_seconds: 0,
      'job_runner_jobs_submitted_total{result="created"}': 3,
      'job_runner_jobs_ended_total{status="succeeded",cause="none"}': 1,
      'job_runner_jobs_ended_total{status="failed",cause="timeout"}': 1,
      'job_runner_jobs_ended_total{status="canceled",cause="canceled"}': 1,
      'job_runner_log_entries_total{stream="stdout"}': 2,
      'job_runner_http_requests_total{method="POST",route="/jobs",status="200"}': 3,
      'job_runner_http_requests_total{method="POST",route="/jobs",status="422"}': 1,
      'job_runner_http_requests_total{method="GET",route="none",status="404"}': 1,
      'job_runner_store_seconds_count{method="insert"}': 3,
    });
    expect(after.get('job_runner_log_bytes_total')).toBeGreaterThan('é\nb\n'.length);
  });

  it('counts viewers while they look', async () => {
    app = await startApp();
    const id = await submit(app.url);
    const viewers = async (): Promise<number | undefined> => (await metricsOf(app.url)).get('job_runner_viewers');
    const hangUp = new AbortController();
    const stream = await fetch(`${app.url}/jobs/${id}/events`, { signal: hangUp.signal });
    expect(await viewers()).toBe(1);
    hangUp.abort();
    await stream.text().catch(() => undefined);
    await expect.poll(viewers).toBe(0);
  });

  it('counts the store’s failures by what was asked', async () => {
    app = await startApp();
    await app.store.close();
    expect((await post(app.url)).status).toBe(503);
    // The rest is told all the same, and nothing as if it were still known.
    const after = await metricsOf(app.url);
    expect(after.get('job_runner_store_up')).toBe(0);
    expect(after.has('job_runner_stored_bytes')).toBe(false);
    expect([...after.keys()].filter((name) => name.startsWith('job_runner_store_errors_total'))).not.toEqual([]);
  });
});
