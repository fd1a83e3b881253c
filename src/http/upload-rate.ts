import type { FastifyRequest } from 'fastify';
import { ApiError } from '../errors.ts';
import { rateHeaders } from '../jobs/admission.ts';
import { createRates } from '../jobs/rates.ts';
import { hasBody } from './linger.ts';
import type { App } from './typed-app.ts';

/** Bounds what an owner sends in a minute, by the bytes that came over the connection: whatever the route, and whatever becomes of them. */
export function boundUploads(app: App): void {
  const rates = createRates();

  const meter = ({ raw, caller: { owner, limits } }: FastifyRequest): void => {
    const { uploadBytesPerMinute: perMinute } = limits;
    if (perMinute === undefined || !hasBody(raw)) return;
    const standing = rates.look(owner, perMinute);
    if (!standing.allowed) {
      throw new ApiError('too_many_requests', `you may send ${perMinute / 1024 ** 2} MiB a minute`, {
        headers: { 'retry-after': String(standing.resetSec), ...rateHeaders('upload', perMinute, standing, ';qu="content-bytes"') },
      });
    }
    const { socket } = raw;
    const before = socket.bytesRead;
    raw.once('close', () => {
      // What came together with the head had been read before.
      const whole = raw.complete ? Number(raw.headers['content-length'] ?? 0) : 0;
      rates.take(owner, Math.max(whole, socket.bytesRead - before), perMinute);
    });
  };
  app.addHook('onRequest', async (request) => meter(request));
}
