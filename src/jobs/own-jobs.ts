import type { OwnerUsage, Store } from '../store/store.ts';
import type { Caller } from './caller.ts';

/** The jobs that a caller may know of. */
export interface OwnJobs extends Pick<Store, 'get' | 'list' | 'cancel' | 'delete' | 'follow'> {
  usage(): Promise<OwnerUsage>;
}

/**
 * A caller's jobs: another's are not there, to no method, and nothing tells them from jobs that never were. Whoever serves a caller is given
 * this and never the store, so there is no question that a route could forget to ask.
 */
export function ownJobs(store: Store, { owner }: Caller): OwnJobs {
  if (owner === '') {
    return {
      get: (id) => store.get(id),
      list: (query) => store.list(query),
      cancel: (id, log) => store.cancel(id, log),
      delete: (id) => store.delete(id),
      follow: (id, after, signal) => store.follow(id, after, signal),
      usage: () => store.stats(),
    };
  }
  // An owner is for life: between this and what follows it can't become another's.
  const get: OwnJobs['get'] = async (id) => {
    const job = await store.get(id);
    return job?.owner === owner ? job : undefined;
  };
  return {
    get,
    list: (query) => store.list({ ...query, owner }),
    cancel: async (id, log) => ((await get(id)) === undefined ? undefined : store.cancel(id, log)),
    delete: async (id) => ((await get(id)) === undefined ? 'not_found' : store.delete(id)),
    usage: () => store.usage(owner),
    async *follow(id, after, signal) {
      if ((await get(id)) !== undefined) yield* store.follow(id, after, signal);
    },
  };
}
