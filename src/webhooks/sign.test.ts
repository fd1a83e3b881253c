import { describe, expect, it } from 'vitest';
import { parseSecret, signedHeaders } from './sign.ts';

describe('signatures', () => {
  // From the specification's reference implementations.
  it('are those of Standard Webhooks', () => {
    const secret = parseSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') ?? Buffer.alloc(0);
    expect(signedHeaders([secret], 'msg_p5jXN8AQM9LWM0D4loKWxJek', '{"test": 2432232314}', 1_614_265_330_000)).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('are as many as there are secrets, so that one can follow another', () => {
    const secrets = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const { 'webhook-signature': both } = signedHeaders(secrets, 'id', 'body', 0);
    expect(both?.split(' ')).toEqual(secrets.map((secret) => signedHeaders([secret], 'id', 'body', 0)['webhook-signature']));
  });

  it.each([
    '',
    'whsec_',
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'whsec_MfKQ9r8G',
    'whsec_not base64 at all but long enough to be',
    `whsec_${'A'.repeat(200)}`,
  ])('%j is no secret', (text) => {
    expect(parseSecret(text)).toBeUndefined();
  });
});
