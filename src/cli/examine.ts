import { access, constants, mkdir, statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { createClient } from '../client/client.ts';
import { DEFAULT_URL } from '../client/request.ts';
import { StartError } from '../errors.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import { createRuntimes } from '../runtimes/runtimes.ts';
import { createBubblewrap } from '../sandbox/bubblewrap.ts';
import { DEFAULT_EGRESS } from '../sandbox/egress/egress.ts';
import { readEnvironment, serviceEnvironment } from './environment.ts';
import { bytesInWords } from './terminal.ts';

/** One thing that jobs need, as it is on this machine. */
export interface Finding {
  name: string;
  /** `weak`: jobs run all the same. */
  state: 'ok' | 'weak' | 'failed';
  detail: string;
  /** What mends it, line by line. */
  remedies: string[];
}

const finding = (name: string, state: Finding['state'], detail: string, ...remedies: string[]): Finding => ({
  name,
  state,
  detail,
  remedies,
});

const failure = (name: string, error: unknown): Finding =>
  error instanceof StartError
    ? finding(name, 'failed', error.message, error.remedy)
    : finding(name, 'failed', error instanceof Error ? error.message : String(error));

/** Less than that, and a few jobs with data fill it. */
const ENOUGH_DISK_BYTES = 2 * 1024 ** 3;
const ENOUGH_MEMORY_BYTES = 1024 ** 3;
const TRIAL_UID = 54_000;
const PROBE_MS = 2000;

const node = (): Finding => finding('Node', 'ok', process.versions.node);

function system(): Finding {
  const here = `${process.platform} on ${process.arch}`;
  return process.platform === 'linux' ? finding('system', 'ok', here) : finding('system', 'failed', here, 'run the service on Linux');
}

function memory(): Finding {
  const total = totalmem();
  const detail = `${bytesInWords(total)} in all`;
  return total >= ENOUGH_MEMORY_BYTES
    ? finding('memory', 'ok', detail)
    : finding('memory', 'weak', detail, 'give jobs less than their usual 512 MiB: MAX_MEM_MB, and CONCURRENCY=1');
}

async function dataFolder(path: string): Promise<Finding> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.W_OK);
    const { bavail, bsize } = await statfs(path);
    const free = bavail * bsize;
    const detail = `${path}, with ${bytesInWords(free)} free`;
    return free >= ENOUGH_DISK_BYTES ? finding('data', 'ok', detail) : finding('data', 'weak', detail, 'make room, or set XDG_DATA_HOME');
  } catch (error) {
    return finding('data', 'failed', `${path} can't be written to (${String(error)})`, 'set XDG_DATA_HOME to a folder that can');
  }
}

/** The runtimes, and the default one for a trial. */
async function python(dataDir: string): Promise<{ findings: Finding[]; chosen: Runtime | undefined }> {
  try {
    const runtimes = await createRuntimes({
      dir: `${dataDir}/runtimes`,
      defaultRuntime: undefined,
      aliases: {},
      packages: 'off',
      searchPath: undefined,
      environment: serviceEnvironment({}),
      log: () => undefined,
    });
    const all = runtimes.list();
    const detail = all.map(({ name, version }) => `${name}${name === runtimes.defaultName ? ' (default)' : ''} ${version}`).join(', ');
    return { findings: [finding('Python', 'ok', detail)], chosen: all[0] };
  } catch (error) {
    return { findings: [failure('Python', error)], chosen: undefined };
  }
}

/** Tries the sandbox out with a program that does nothing. */
async function isolation(chosen: Runtime | undefined): Promise<Finding> {
  const sandbox = createBubblewrap({
    instance: `doctor-${process.pid}`,
    firstUid: TRIAL_UID,
    ready: 1,
    interpreter: () => chosen?.interpreter,
    egress: DEFAULT_EGRESS,
  });
  try {
    const { guarantees, notes } = await sandbox.check();
    const missing = Object.entries(guarantees)
      .filter(([, held]) => !held)
      .map(([name]) => name);
    if (missing.length === 0) return finding('isolation', 'ok', 'bubblewrap, with all guarantees', ...notes);
    return finding('isolation', 'weak', `bubblewrap, without these guarantees: ${missing.join(', ')}`, ...notes);
  } catch (error) {
    return failure('isolation', error);
  } finally {
    await sandbox.close();
  }
}

async function service(): Promise<Finding> {
  const { url = DEFAULT_URL, apiKey } = readEnvironment();
  try {
    const runtimes = await createClient({ url, apiKey, retryForMs: 0 }).runtimes({ signal: AbortSignal.timeout(PROBE_MS) });
    return finding('service', 'ok', `${url} answers, with ${runtimes.map(({ name }) => name).join(', ')}`);
  } catch {
    return finding('service', 'ok', `none at ${url}; commands run one of their own`);
  }
}

/** What this machine has for running jobs. Leaves nothing behind. */
export async function examine(): Promise<Finding[]> {
  const { dataDir } = readEnvironment();
  const { findings, chosen } = await python(dataDir);
  return [node(), system(), ...findings, await isolation(chosen), memory(), await dataFolder(dataDir), await service()];
}
