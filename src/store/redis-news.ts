import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from './redis-connection.ts';
import type { Keys } from './redis-keys.ts';

export type News = 'cancel' | 'deleted';

/** Between signs of life of the connection that only listens. */
const PING_EVERY_MS = 10_000;

/**
 * Hears what other processes tell all: that a job is to be canceled, or was deleted. What is lost with a connection, its hearers learn
 * in other ways, only later: a worker with its next renewal.
 */
export function listen(connection: Connection, keys: Keys, heard: (news: News, jobId: string) => void): void {
  const subscriber = connection.another('news');
  subscriber.on('message', (_channel: string, message: string) => {
    const [news, id] = message.split(' ');
    if (id !== undefined) heard(news as News, id);
  });
  // Each new connection has to ask again; ioredis does so only after it was told once.
  subscriber.on('ready', () => void subscriber.subscribe(keys.news).catch(() => undefined));

  void (async () => {
    for (;;) {
      await delay(PING_EVERY_MS, undefined, { signal: connection.closing, ref: false });
      // A peer that fell silent answers nothing; this finds out, and the connection is made anew.
      if (subscriber.status === 'ready') await subscriber.ping().catch(() => subscriber.disconnect(true));
    }
  })().catch(() => undefined);
}
