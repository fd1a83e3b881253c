import { access, realpath } from 'node:fs/promises';
import { installerEnvironment } from './child-environment.ts';
import { runProgram } from './run-program.ts';
import type { HostInterpreter } from './runtime.ts';

/** Where Debian and Ubuntu put packages for their own Python. */
export const DEBIAN_PACKAGES = '/usr/lib/python3/dist-packages';

/** Whether apt's python3-… packages are for this one; their compiled parts fit no other series. */
export async function isDebianPython({ executable, prefix }: HostInterpreter): Promise<boolean> {
  return prefix === '/usr' && executable === (await realpath('/usr/bin/python3').catch(() => undefined));
}

const APT_GET = '/usr/bin/apt-get';
const UPDATE_TIMEOUT_MS = 3 * 60_000;
const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** The command for somebody to paste. */
export const aptCommand = (packages: readonly string[]): string => `sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`;

/** Installs Debian packages; false when this user may not, or when it didn't work. */
export async function aptInstall(
  packages: readonly string[],
  options: { environment: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<boolean> {
  const present = await access(APT_GET).then(
    () => true,
    () => false,
  );
  if (!present || process.getuid?.() !== 0) return false;
  const env = { ...installerEnvironment(options.environment), DEBIAN_FRONTEND: 'noninteractive' };
  const apt = async (timeoutMs: number, ...args: string[]): Promise<boolean> => {
    const end = await runProgram(APT_GET, ['-q', '-y', '-o', 'DPkg::Lock::Timeout=120', ...args], {
      env,
      timeoutMs,
      signal: options.signal,
    });
    return end.code === 0;
  };
  const install = (): Promise<boolean> => apt(INSTALL_TIMEOUT_MS, 'install', '--no-install-recommends', ...packages);
  // A machine whose package lists are missing or old fails the first time.
  return (await install()) || ((await apt(UPDATE_TIMEOUT_MS, 'update')) && (await install()));
}
