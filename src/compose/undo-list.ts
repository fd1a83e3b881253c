import type { Logger } from 'pino';

/** What was started, in the order of its starting. */
export interface UndoList {
  add(undo: () => Promise<void>): void;
  /** Undoes it, last first; one that fails doesn't keep the others from being undone. */
  run(): Promise<void>;
}

export function undoList(logger: Logger): UndoList {
  const undos: (() => Promise<void>)[] = [];
  return {
    add: (undo) => undos.push(undo),
    async run() {
      for (const undo of undos.splice(0).toReversed()) {
        await undo().catch((error: unknown) => logger.error({ err: error }, 'stopping a part failed'));
      }
    },
  };
}

/** Composes something; where that fails, what was started on the way is undone. */
export async function composed<T>(logger: Logger, compose: (undo: UndoList) => Promise<T>): Promise<T> {
  const undo = undoList(logger);
  try {
    return await compose(undo);
  } catch (error) {
    await undo.run();
    throw error;
  }
}
