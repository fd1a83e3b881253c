import { setImmediate as nextRound } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createTurns } from './turns.ts';

it('lets one go in each round of the event loop, in the order of their coming', async () => {
  const turn = createTurns();
  const went: string[] = [];
  for (const name of ['first', 'second', 'third']) void turn().then(() => went.push(name));
  expect(went).toEqual([]);
  for (const sofar of [['first'], ['first', 'second'], ['first', 'second', 'third']]) {
    await nextRound();
    expect(went).toEqual(sofar);
  }
});

it('begins anew when all have had their turn', async () => {
  const turn = createTurns();
  await turn();
  await turn();
});
