import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Source and built code lie equally deep below the package's root. */
const PYTHON = join(import.meta.dirname, '../../../runtimes/python');
const source = (path: string): string => readFileSync(join(PYTHON, path), 'utf8');

/** The command of every container. */
export const BOOTSTRAP = source('container/bootstrap.py');

/** The command of a job's gateway, and of what looks at the engine's machine. */
export const GATEWAY = source('container/gateway.py');
export const LOOKOUT = source('container/lookout.py');

const named = (name: string, path: string): Buffer => {
  const text = Buffer.from(source(path));
  const head = Buffer.alloc(1 + name.length + 4);
  head.writeUInt8(name.length, 0);
  head.write(name, 1, 'latin1');
  head.writeUInt32BE(text.length, 1 + name.length);
  return Buffer.concat([head, text]);
};

/** The init, as bootstrap.py reads it. */
export const INIT = Buffer.concat([
  named('kernel', 'agent/kernel.py'),
  named('frames', 'container/frames.py'),
  named('world', 'container/world.py'),
  named('network', 'container/network.py'),
  named('collect', 'container/collect.py'),
  named('init', 'container/init.py'),
  Buffer.from([0]),
]);

/** What a warm start's interpreter runs until its job comes. */
export const AGENT: Readonly<Record<string, string>> = {
  // How a program is run in a process that was there before it: as in the fork server's.
  ...Object.fromEntries(
    readdirSync(join(PYTHON, 'agent'))
      .filter((name) => name.endsWith('.py'))
      .map((name) => [`.runner/agent/${name}`, source(`agent/${name}`)]),
  ),
  '.runner/agent/agent.py': source('container/agent.py'),
};

/** Modules of ours that jobs may import. */
export const MODULES: Readonly<Record<string, string>> = {
  '.runner/modules/job_runner_plots.py': source('modules/job_runner_plots.py'),
};

export const PROBE = source('container/probe.py');
export const IMPORTS = source('imports.txt');
