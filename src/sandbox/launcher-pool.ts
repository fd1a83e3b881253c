import type { Slot } from './slot.ts';

export interface LauncherPool {
  /** A ready slot, or one made now. */
  take(): Promise<Slot>;
  /** Makes slots until `size` are ready. Best called when a job has been started, so as not to be in its way. */
  refill(): void;
  close(): Promise<void>;
}

/** Keeps `size` launchers ready. `make` is called for each; what fails is told to whoever takes next. */
export function createLauncherPool(size: number, make: () => Promise<Slot>): LauncherPool {
  const ready: Promise<Slot>[] = [];
  let closed = false;
  const add = (): void => {
    const slot = make();
    // Looked at when it is taken.
    slot.catch(() => undefined);
    ready.push(slot);
  };
  const discard = async (slot: Promise<Slot>): Promise<void> => {
    const made = await slot.catch(() => undefined);
    await made?.discard();
  };
  return {
    async take() {
      const slot = ready.shift();
      // One that could not be made ahead may well be possible now.
      return slot === undefined ? make() : slot.catch(() => make());
    },
    refill() {
      while (!closed && ready.length < size) add();
    },
    async close() {
      closed = true;
      await Promise.all(ready.splice(0).map(discard));
    },
  };
}
