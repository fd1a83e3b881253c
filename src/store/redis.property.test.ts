import { afterAll, beforeAll, describe } from 'vitest';
import { skipRedis, startRedis, type RedisServer } from '../../test/support/redis-server.ts';
import { openRedisStore } from './redis-under-test.contract.ts';
import { storeProperties } from './store.property.ts';

describe.skipIf(skipRedis)('with a Redis of its own', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());

  storeProperties('redis', () => openRedisStore(server), 12);
});
