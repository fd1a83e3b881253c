import { signal } from '@preact/signals';

/** Where in the console one is. It is in the address's fragment: the page works below any path, and a job's address can be passed on. */
export type Route = { page: 'new' } | { page: 'job'; id: string } | { page: 'history' } | { page: 'system' };

export function parseRoute(hash: string): Route {
  const [page, id] = hash.replace(/^#?\/?/, '').split('/');
  if (page === 'jobs' && id !== undefined && /^[0-9a-f]{32}$/.test(id)) return { page: 'job', id };
  if (page === 'history' || page === 'system') return { page };
  return { page: 'new' };
}

export function hrefOf(route: Route): string {
  if (route.page === 'new') return '#/';
  return route.page === 'job' ? `#/jobs/${route.id}` : `#/${route.page}`;
}

export const route = signal<Route>(parseRoute(location.hash));

addEventListener('hashchange', () => {
  route.value = parseRoute(location.hash);
});

export function go(to: Route): void {
  location.hash = hrefOf(to);
}
