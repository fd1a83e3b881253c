import { setTimeout as delay } from 'node:timers/promises';
import { buildExecImage } from '../test/support/docker-image.ts';
import { startDockerd } from '../test/support/dockerd.ts';
import { latency } from './latency.ts';
import { startService } from './service.ts';

const POLL_MS = 20;

/** Resolves when a container waits: one after the other, no job is to pay for the making of its own. */
async function untilOneWaits(base: string): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`${base}/metrics`)).text();
    if (Number(/^job_runner_warm_ready(?:\{.*\})? (\d+)/m.exec(metrics)?.[1] ?? 0) > 0) return;
    await delay(POLL_MS);
  }
}

/** Milliseconds from submit to end under Docker: in containers that wait, and in ones that are made for their job, in turns. */
export async function dockerStarts(
  program: string,
  count: number,
  say: (text: string) => void,
): Promise<{ warm: number[]; cold: number[] }> {
  say('Docker: an engine is started, and the image built …');
  const daemon = await startDockerd();
  const services: Awaited<ReturnType<typeof startService>>[] = [];
  try {
    const image = await buildExecImage(daemon);
    const variables = { SANDBOX: 'docker', DOCKER_HOST: daemon.host, JOB_RUN_IMAGE: image };
    const warmly = await startService(variables);
    services.push(warmly);
    const coldly = await startService({ ...variables, WARM_STARTS: '0' });
    services.push(coldly);
    const warm: number[] = [];
    const cold: number[] = [];
    say(`Docker: ${count} jobs in each way …`);
    for (let run = 0; run < count; run += 1) {
      await untilOneWaits(warmly.url);
      warm.push((await latency(warmly.url, program)).endMs);
      // Else the next container is made at the same time.
      await untilOneWaits(warmly.url);
      cold.push((await latency(coldly.url, program)).endMs);
    }
    return { warm, cold };
  } finally {
    for (const service of services) await service.stop();
    await daemon.close();
  }
}
