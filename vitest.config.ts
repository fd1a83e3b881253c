import { defineConfig } from 'vitest/config';
import LongestFirst from './test/support/longest-first.ts';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'console/src/**/*.test.ts', 'test/**/*.test.ts'],
    sequence: { sequencer: LongestFirst },
    globalSetup: ['./test/support/shared-services.setup.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    // Machines of continuous integration are shared: what fails there is tried once more, and named at the end when it passed then.
    retry: process.env['CI'] === undefined ? 0 : 1,
    testTimeout: 60_000,
    // What a test waits for may take its time on a busy machine; a second, the usual patience, is too short there.
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 120_000,
    // Two cores are the smallest machine that we promise to work on; more files at once only make timings worse there.
    maxWorkers: 2,
  },
});
