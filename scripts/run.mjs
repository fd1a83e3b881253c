// `npm start`, `npm test` and the rest: prepares what is missing, says so, and runs the command on the Node that comes with
// the packages. Everything here and in prepare/ runs on any Node from 18 on, and on nothing else.
import { buildIsCurrent, build } from './prepare/build.mjs';
import { holdLock } from './prepare/lock.mjs';
import { nodeToUse } from './prepare/node.mjs';
import { installPackages, packagesAreCurrent } from './prepare/packages.mjs';
import { installPrograms, missingPrograms } from './prepare/programs.mjs';
import { root, stop } from './prepare/say.mjs';
import { runToItsEnd } from './supervise.mjs';

/** What each command runs, on which programs of the system. */
const COMMANDS = {
  start: { build: true, programs: ['bwrap', 'perl', 'python3', 'slirp4netns', 'nft'], run: ['dist/main.js'] },
  test: {
    build: true,
    programs: [
      'bwrap',
      'perl',
      'python3',
      'slirp4netns',
      'nft',
      'ip',
      'chromium',
      'dockerd',
      'docker-compose',
      'mmdebstrap',
      'podman',
      'runsc',
      'radosgw',
      'redis-server',
    ],
    run: ['node_modules/vitest/vitest.mjs', 'run'],
  },
  worker: { build: true, programs: ['bwrap', 'perl', 'python3'], run: ['dist/worker-main.js'] },
  bench: { build: true, programs: ['bwrap', 'perl', 'python3'], run: ['bench/bench.ts'] },
  attacks: {
    build: false,
    programs: ['bwrap', 'perl', 'python3', 'dockerd', 'podman', 'runsc', 'mmdebstrap', 'slirp4netns', 'nft', 'ip'],
    run: ['test/attacks/run.ts'],
  },
  keys: { build: true, programs: [], run: ['dist/cli/main.js', 'keys'] },
  fuzz: { build: true, programs: ['bwrap', 'perl', 'python3'], run: ['test/fuzz/fuzz.ts'] },
  soak: { build: true, programs: ['bwrap', 'perl', 'python3'], run: ['test/soak/soak.ts'] },
  screenshots: { build: true, programs: ['bwrap', 'perl', 'python3', 'chromium'], run: ['scripts/screenshots.ts'] },
  'bench:scale': { build: true, programs: ['bwrap', 'perl', 'python3', 'redis-server'], run: ['bench/scale.ts'] },
  faults: { build: true, programs: ['bwrap', 'perl', 'python3', 'redis-server'], run: ['test/faults/run.ts'] },
  check: { build: false, programs: [], run: ['scripts/check.mjs'] },
  build: { build: true, programs: [], run: undefined },
};

function prepare({ build: needsBuild, programs }) {
  const isReady = () => packagesAreCurrent() && (!needsBuild || buildIsCurrent()) && missingPrograms(programs).length === 0;
  if (isReady()) return;
  const release = holdLock();
  // Asked again, for another start may have done it while we waited.
  if (!packagesAreCurrent()) installPackages();
  if (needsBuild && !buildIsCurrent()) build();
  installPrograms(missingPrograms(programs));
  release();
}

process.chdir(root);
const [name, ...args] = process.argv.slice(2);
const command = COMMANDS[name];
if (command === undefined) stop(`There is no command "${name}".`, `use one of: ${Object.keys(COMMANDS).join(', ')}`);
prepare(command);
if (command.run !== undefined) {
  const { NODE_FLAGS } = command.build ? await import('../dist/node-flags.js') : { NODE_FLAGS: [] };
  runToItsEnd(nodeToUse(), [...NODE_FLAGS, ...command.run, ...args]);
}
