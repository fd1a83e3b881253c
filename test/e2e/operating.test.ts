import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricsOf } from '../support/metrics.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

let home: ServiceHome;
let service: RunningService;
beforeAll(async () => {
  home = await serviceHome();
  service = await home.start({ LOG_LEVEL: 'debug', CONCURRENCY: '3', WARM_STARTS: '0' });
});
afterAll(() => home?.close());

async function run(code: string, headers: Record<string, string> = {}): Promise<string> {
  const body = new FormData();
  body.append('spec', '{"timeout_sec": 1}');
  body.append('code_files', new File([code], 'main.py'));
  const answer = await fetch(`${service.url}/jobs/sync`, { method: 'POST', body, headers });
  return ((await answer.json()) as { job_id: string }).job_id;
}

describe('a service at work', () => {
  it('measures what its worker does', async () => {
    await run('open(__import__("os").environ["JOB_OUTPUT_DIR"] + "/a.txt", "w").write("12345")');
    await run('import time; time.sleep(60)');
    const measured = await metricsOf(service.url);
    expect(Object.fromEntries(measured)).toMatchObject({
      job_runner_slots: 3,
      job_runner_attempts_running: 0,
      job_runner_queue_wait_seconds_count: 2,
      'job_runner_start_seconds_count{path="cold"}': 2,
      'job_runner_run_seconds_count{path="cold"}': 2,
      job_runner_collect_seconds_count: 2,
      'job_runner_attempts_ended_total{end="finished"}': 2,
      'job_runner_jobs_ended_total{status="failed",cause="timeout"}': 1,
      job_runner_artifacts_total: 1,
      job_runner_artifact_bytes_total: 5,
    });
    expect(measured.get('job_runner_run_seconds_sum{path="cold"}')).toBeGreaterThan(1);
    expect([...measured.keys()].find((name) => name.startsWith('job_runner_info'))).toMatch(
      /version="\d[^"]*",store="sqlite",sandbox="bubblewrap",artifacts="disk"/,
    );
    expect(measured.get('process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('says in its log which request became which job, and what came of it', async () => {
    const id = await run('print(1)', { 'x-request-id': 'from-a-gateway-1' });
    const lines = (): Record<string, unknown>[] =>
      service
        .said()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    await expect.poll(lines).toContainEqual(expect.objectContaining({ msg: 'answered', request: 'from-a-gateway-1' }));
    const said = lines();
    expect(said).toContainEqual(expect.objectContaining({ msg: 'accepted', request: 'from-a-gateway-1', job: id }));
    expect(said).toContainEqual(expect.objectContaining({ msg: 'finished', job: id, attempt: 1 }));
    expect(said).toContainEqual(
      expect.objectContaining({ msg: 'answered', request: 'from-a-gateway-1', method: 'POST', route: '/jobs/sync', status: 200 }),
    );
  });
});
