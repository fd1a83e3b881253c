import { execFile } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { HostInterpreter } from '../../src/runtimes/runtime.ts';

/** The machine's own Python, as tests use it that need any. */
export async function systemPython(): Promise<HostInterpreter> {
  const executable = await realpath('/usr/bin/python3');
  const { stdout } = await promisify(execFile)(executable, [
    '-I',
    '-S',
    '-c',
    'import sys; print(sys.base_prefix, "%d.%d" % sys.version_info[:2])',
  ]);
  const [prefix = '/usr', series = ''] = stdout.trim().split(' ');
  return { executable, prefix, series };
}
