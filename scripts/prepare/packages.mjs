import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { step, stop } from './say.mjs';

const packagesOf = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;

/**
 * Whether node_modules holds what package-lock.json says. npm notes there what it has installed, when all of it is: an
 * installation that was cut off has no such note, and one that a person made with `npm install` counts like ours.
 */
export function packagesAreCurrent() {
  let wanted, installed;
  try {
    wanted = packagesOf('package-lock.json');
    installed = packagesOf('node_modules/.package-lock.json');
  } catch {
    return false;
  }
  const isInstalled = ([path, { version, integrity, optional, devOptional }]) => {
    const there = installed[path];
    // Optional ones are left out where they are for another platform.
    if (there === undefined) return path === '' || optional === true || devOptional === true;
    return there.version === version && there.integrity === integrity;
  };
  return Object.entries(wanted).every(isInstalled) && Object.keys(installed).every((path) => path in wanted);
}

export function installPackages() {
  // npm says where it is itself; it need not be on the PATH.
  const npm = process.env.npm_execpath === undefined ? ['npm'] : [process.execPath, process.env.npm_execpath];
  // Also where NODE_ENV=production: the compiler is among the packages for developing. None needs its install script.
  const args = ['ci', '--include=dev', '--include=optional', '--ignore-scripts', '--loglevel=error', '--no-audit', '--no-fund'];
  step('Installing packages with npm ci; the first time may take a minute', () => {
    const { status, error } = spawnSync(npm[0], [...npm.slice(1), ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
    if (error !== undefined) stop(`npm could not be started (${error.code}).`, 'install npm');
    if (status !== 0) {
      stop('npm ci failed; what it said stands above.', 'see that this machine reaches the npm registry (npm ping), then try again');
    }
  });
}
