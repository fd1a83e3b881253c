import { join } from 'node:path';
import { defineConfig } from 'vite';

const here = import.meta.dirname;

/** The console is served below whatever path a proxy gives it, so its page names everything relative to itself. */
export default defineConfig({
  root: here,
  base: './',
  logLevel: 'warn',
  // Preact's JSX, without a plugin.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    // Browsers that know light-dark() and the highlights of CSS.
    target: ['chrome123', 'firefox128', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What counts is what is sent: a test holds that.
    chunkSizeWarningLimit: 1000,
    emptyOutDir: true,
    rolldownOptions: {
      input: { index: join(here, 'index.html'), frame: join(here, 'frame.html') },
      // How long a build takes is the machine's affair.
      checks: { bundlerTimings: false },
    },
  },
  // For working on the console alone: `npm run console`, beside a service on its usual port.
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(
      ['/jobs', '/runtimes', '/usage', '/readyz', '/healthz', '/openapi.json', '/docs', '/static'].map((path) => [
        path,
        'http://127.0.0.1:8000',
      ]),
    ),
  },
});
