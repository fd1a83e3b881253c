import type { App } from '../http/typed-app.ts';
import { librechatRoutes } from './librechat/librechat.ts';
import type { DropInParts } from './parts.ts';
import { pistonRoutes } from './piston/piston.ts';

/** Stands in for other services, each behind a switch, so that their clients run jobs here without an edit. */
export async function mountDropIns(app: App, parts: Omit<DropInParts, 'closing'>): Promise<void> {
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());
  const all = { ...parts, closing: closing.signal };
  if (parts.config.DROP_IN_PISTON) await pistonRoutes(app, all);
  if (parts.config.DROP_IN_LIBRECHAT) await librechatRoutes(app, all);
}
