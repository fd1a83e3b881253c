import { setTimeout as delay } from 'node:timers/promises';
import { startRedis, type RedisServer } from '../support/redis-server.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** An API and workers over a Redis, each with a way to it that can be cut, and each able to die and come back. */
export interface Cluster {
  readonly workers: number;
  /** Of the API that answers now. */
  url(): string;
  killWorker(index: number): Promise<void>;
  drainWorker(index: number): Promise<void>;
  killApi(): Promise<void>;
  killRedis(awayMs: number): Promise<void>;
  cutWorker(index: number, ms: number): Promise<void>;
  cutApi(ms: number): Promise<void>;
  /** Stops all as one would; resolves with exit codes that were no clean end. */
  stop(): Promise<(number | string)[]>;
  /** What processes said that died of something else than us. */
  complaints(): string[];
  close(): Promise<void>;
}

export interface ClusterOptions {
  workers: number;
  leaseMs: number;
  variables: Record<string, string>;
}

interface Member {
  proxy: TcpProxy;
  service: RunningService;
  /** What is being done to it; the next waits. */
  busy: Promise<void>;
}

export async function startCluster({ workers, leaseMs, variables }: ClusterOptions): Promise<Cluster> {
  const redis: RedisServer = await startRedis();
  const home: ServiceHome = await serviceHome();
  const complaints: string[] = [];
  const common = { INLINE_WORKER: '0', LEASE_MS: String(leaseMs), MAX_ATTEMPTS: '10', DRAIN_GRACE_MS: '500', ...variables };

  const start = async (proxy: TcpProxy, kind: 'api' | 'worker'): Promise<RunningService> => {
    const own = { ...common, REDIS_URL: `redis://127.0.0.1:${proxy.port}/0` };
    // Redis may be away just now, and then nothing starts: whoever watches over processes starts them again.
    for (;;) {
      const started = await (kind === 'api' ? home.start(own) : home.startWorker(own)).catch((error: unknown) => String(error));
      if (typeof started !== 'string') {
        void started.gone.then((code) => {
          if (code !== 0 && code !== 'SIGKILL') complaints.push(`a process ended with ${code}: ${started.said().slice(-2000)}`);
        });
        return started;
      }
      // Killed while it was asked, it hangs up.
      if (!/does not answer|hangs up on us/.test(started)) throw new Error(started);
      await delay(500);
    }
  };
  const member = async (kind: 'api' | 'worker'): Promise<Member> => {
    const proxy = await startTcpProxy(redis.port);
    return { proxy, service: await start(proxy, kind), busy: Promise.resolve() };
  };
  const [api, ...crew] = await Promise.all([member('api'), ...Array.from({ length: workers }, () => member('worker'))]);

  const one = (index: number): Member => {
    const found = crew[index];
    if (found === undefined) throw new Error(`there is no worker ${index}`);
    return found;
  };
  const next = (who: Member, what: () => Promise<void>): Promise<void> => {
    who.busy = who.busy.then(what);
    return who.busy;
  };
  const restart = (who: Member, kind: 'api' | 'worker', signal: NodeJS.Signals): Promise<void> =>
    next(who, async () => {
      await who.service.kill(signal);
      who.service = await start(who.proxy, kind);
    });
  const cut = (who: Member, ms: number): Promise<void> =>
    next(who, async () => {
      who.proxy.cut();
      await delay(ms);
      who.proxy.mend();
    });
  let redisBusy = Promise.resolve();

  return {
    workers,
    url: () => api.service.url,
    killWorker: (index) => restart(one(index), 'worker', 'SIGKILL'),
    drainWorker: (index) => restart(one(index), 'worker', 'SIGTERM'),
    killApi: () => restart(api, 'api', 'SIGKILL'),
    killRedis(awayMs) {
      redisBusy = redisBusy.then(async () => {
        await redis.kill();
        await delay(awayMs);
        await redis.start();
      });
      return redisBusy;
    },
    cutWorker: (index, ms) => cut(one(index), ms),
    cutApi: (ms) => cut(api, ms),
    async stop() {
      const codes = await Promise.all([...crew, api].map(({ service }) => service.kill('SIGTERM')));
      return codes.filter((code) => code !== 0);
    },
    complaints: () => complaints,
    async close() {
      await home.close();
      for (const { proxy } of [api, ...crew]) await proxy.close();
      await redis.close();
    },
  };
}
