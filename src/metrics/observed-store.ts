import type { Finish, Inserted, LogChunk, NewLogEntry, Rescued, Store } from '../store/store.ts';

/** What a store is asked to do and does. Nothing here may throw. */
export interface StoreEvents {
  /** A call that has come back; of those that wait for something, how long says nothing. */
  returned(method: string, ms: number): void;
  failed(method: string, error: unknown): void;
  inserted(inserted: Inserted): void;
  appended(entries: readonly NewLogEntry[]): void;
  finished(finish: Finish): void;
  canceledInQueue(): void;
  rescued(rescued: Rescued): void;
}

/** A store that tells what happens in it, whichever driver it is. */
export function observeStore(store: Store, events: StoreEvents): Store {
  const observed =
    <A extends unknown[], R>(method: string, call: (...args: A) => Promise<R>, tell?: (result: R, ...args: A) => void) =>
    async (...args: A): Promise<R> => {
      const startedAt = performance.now();
      let result: R;
      try {
        result = await call(...args);
      } catch (error) {
        events.failed(method, error);
        throw error;
      }
      events.returned(method, performance.now() - startedAt);
      tell?.(result, ...args);
      return result;
    };

  const claim: Store['claim'] = async (request) => {
    try {
      return await store.claim(request);
    } catch (error) {
      events.failed('claim', error);
      throw error;
    }
  };
  const cancelIt = observed('cancel', store.cancel);
  const cancel: Store['cancel'] = async (id, log) => {
    // Of two that ask at once both may be told to have done it: close enough for a count.
    const before = await store.get(id);
    const after = await cancelIt(id, log);
    if (before?.status === 'queued' && after?.status === 'canceled') events.canceledInQueue();
    return after;
  };
  async function* follow(...args: Parameters<Store['follow']>): AsyncGenerator<LogChunk> {
    try {
      yield* store.follow(...args);
    } catch (error) {
      events.failed('follow', error);
      throw error;
    }
  }

  return {
    name: store.name,
    check: observed('check', store.check),
    insert: observed('insert', store.insert, (inserted) => events.inserted(inserted)),
    get: observed('get', store.get),
    list: observed('list', store.list),
    claim,
    renew: observed('renew', store.renew),
    append: observed('append', store.append, (held, _lease, entries) => {
      if (held === 'held') events.appended(entries);
    }),
    finish: observed('finish', store.finish, (held, _lease, finish) => {
      if (held) events.finished(finish);
    }),
    release: observed('release', store.release, (held, _lease, entries) => {
      if (held) events.appended(entries);
    }),
    cancel,
    rescue: observed('rescue', store.rescue, (rescued) => events.rescued(rescued)),
    read: observed('read', store.read),
    follow,
    takeNotices: observed('takeNotices', store.takeNotices),
    settleNotice: observed('settleNotice', store.settleNotice),
    delete: observed('delete', store.delete),
    finished: observed('finished', store.finished),
    stats: observed('stats', store.stats),
    usage: observed('usage', store.usage),
    announce: observed('announce', store.announce),
    withdraw: observed('withdraw', store.withdraw),
    workers: observed('workers', store.workers),
    takeTurn: observed('takeTurn', store.takeTurn),
    close: store.close,
  };
}
