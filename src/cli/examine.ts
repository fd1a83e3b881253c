import { access, constants, mkdir, statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../client/client.ts';
import { DEFAULT_URL } from '../client/request.ts';
import { readConfig, type Config } from '../config.ts';
import { readEnvironment, serviceEnvironment, type CliEnvironment } from './environment.ts';
import { examineJobs } from './examine-jobs.ts';
import { examineShared } from './examine-shared.ts';
import { failure, finding, type Finding } from './finding.ts';
import { bytesInWords } from './terminal.ts';

/** Less than that, and a few jobs with data fill it. */
const ENOUGH_DISK_BYTES = 2 * 1024 ** 3;
const ENOUGH_MEMORY_BYTES = 1024 ** 3;
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

async function dataFolder(path: string, setting: string): Promise<Finding> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.W_OK);
    const { bavail, bsize } = await statfs(path);
    const free = bavail * bsize;
    const detail = `${path}, with ${bytesInWords(free)} free`;
    return free >= ENOUGH_DISK_BYTES ? finding('data', 'ok', detail) : finding('data', 'weak', detail, `make room, or set ${setting}`);
  } catch (error) {
    return finding('data', 'failed', `${path} can't be written to (${String(error)})`, `set ${setting} to a folder that can`);
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

/** The service's configuration as this shell has it; of a service of the command line's own where nothing is said. */
function configuration({ dataDir, jobsDir }: CliEnvironment): Config | Finding {
  try {
    return readConfig(serviceEnvironment(jobsDir === undefined ? { JOB_DATA_DIR: join(dataDir, 'jobs') } : {}));
  } catch (error) {
    return failure('settings', error);
  }
}

/** What this machine has for running jobs, as its settings ask for it. Leaves nothing behind. */
export async function examine(): Promise<Finding[]> {
  const environment = readEnvironment();
  const config = configuration(environment);
  if ('state' in config) return [node(), system(), config, memory(), await service()];
  const data =
    environment.jobsDir === undefined ? dataFolder(environment.dataDir, 'XDG_DATA_HOME') : dataFolder(config.dataDir, 'JOB_DATA_DIR');
  return [node(), system(), ...(await examineJobs(config)), memory(), await data, ...(await examineShared(config)), await service()];
}
