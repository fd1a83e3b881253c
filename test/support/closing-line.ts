import type { Reporter, TestModule } from 'vitest/node';

const MAX_REASON_CHARS = 300;

/** Names the tests that passed at a second try only, with what failed at the first, and prints "N passed, N failed, N skipped" as the last line: the form that continuous integration reads. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0 };
    const unsteady: string[] = [];
    for (const module of modules) {
      // A file that breaks while it is loaded has no tests that could fail in its place.
      if (module.state() === 'failed' && module.errors().length > 0) count.failed += 1;
      for (const test of module.children.allTests()) {
        const { state, errors = [] } = test.result();
        if (state !== 'pending') count[state] += 1;
        if (test.diagnostic()?.flaky === true) {
          const first = errors[0]?.message.replace(/\s+/g, ' ').slice(0, MAX_REASON_CHARS) ?? 'for no reason that it told';
          unsteady.push(`${module.relativeModuleId}: ${test.fullName} (${first})`);
        }
      }
    }
    process.once('exit', () => {
      for (const name of unsteady) process.stdout.write(`passed at the second try only: ${name}\n`);
      process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
    });
  }
}
