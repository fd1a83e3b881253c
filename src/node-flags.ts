/**
 * What the service wants to be started with: `node ...NODE_FLAGS dist/main.js`. A flood of output makes much garbage in little time;
 * left alone, V8 rather takes half a gigabyte than collect it sooner. Smaller nurseries and a heap that grows in small steps keep it
 * below 200 MB, with pauses of a few milliseconds. V8 looks at these when it starts and not later, so main.ts can't set them.
 */
export const NODE_FLAGS = [
  '--max-semi-space-size=12',
  '--heap-growing-percent=30',
  // node:sqlite still counts as experimental, and says so.
  '--disable-warning=ExperimentalWarning',
];
