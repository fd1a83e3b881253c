import { createConfig, formatProblems, lintFromString } from '@redocly/openapi-core';
import { startApp } from '../test/support/app.ts';

/** `npm run check`: the API's description as a service gives it, against the rules for such descriptions. */

const config = await createConfig({
  extends: ['recommended-strict'],
  rules: {
    // Where it runs is for whoever runs it to say; the address that the description came from is the one.
    'no-empty-servers': 'off',
    // Whether a service is well is nothing that a client could ask wrongly.
    'operation-4xx-response': 'off',
    'operation-description': 'error',
    'operation-operationId-unique': 'error',
    'path-parameters-defined': 'error',
    'no-unused-components': 'error',
    'tag-description': 'error',
  },
});

const app = await startApp();
const source = JSON.stringify(app.app.swagger(), null, 2);
await app.close();
const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
if (problems.length > 0) {
  formatProblems(problems, { format: 'stylish', totals: { errors: problems.length, warnings: 0, ignored: 0 }, version: '' });
  process.exitCode = 1;
}
