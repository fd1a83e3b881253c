/** Resolves when it is one's turn. However many wait, whatever else there is to serve is looked at before each. */
export type Turns = () => Promise<void>;

/**
 * One turn in each round of the event loop. Fifty viewers of one flood are woken by the same entry; written to in one go, they keep a
 * request for a job's status waiting for all fifty. What is late for its turn finds more in the log, and so sends it in fewer pieces.
 */
export function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  const round = (): void => {
    waiting.shift()?.();
    // What is set up while a round's callbacks run belongs to the next round.
    if (waiting.length > 0) setImmediate(round);
  };
  return () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(round);
    });
}
