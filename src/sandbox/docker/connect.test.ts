import { describe, expect, it } from 'vitest';
import { healthOf, type EngineInfo } from './connect.ts';

/** What engines answer to GET /info, of what is looked at. */
const DOCKER: EngineInfo = {
  MemoryLimit: true,
  SwapLimit: true,
  PidsLimit: true,
  CpuCfsQuota: true,
  SecurityOptions: ['name=seccomp,profile=default'],
  CgroupVersion: '1',
};
const PODMAN_WITHOUT_ROOT: EngineInfo = { ...DOCKER, Rootless: true };
const HELD = { memory: true, pids: true, cpu: true };
const NOT_HELD = { memory: false, pids: false, cpu: false };

describe('what an engine’s answers are worth', () => {
  it.each([
    ['Docker with control groups', DOCKER, { podman: false }, HELD],
    ['Docker without root, where it is given none', { ...DOCKER, MemoryLimit: false, PidsLimit: false, CpuCfsQuota: false }, {}, NOT_HELD],
    ['Podman as root', { ...DOCKER, Rootless: false }, { podman: true }, HELD],
    ['Podman without root, which passes over limits of control groups v1', PODMAN_WITHOUT_ROOT, { podman: true }, NOT_HELD],
    ['Podman without root, control groups v2', { ...PODMAN_WITHOUT_ROOT, CgroupVersion: '2' }, { podman: true }, HELD],
    ['gVisor, which counts no processes', DOCKER, { gvisor: true }, { ...HELD, pids: false, disk: false }],
  ])('%s', (_, answered, { podman = false, gvisor = false }: { podman?: boolean; gvisor?: boolean }, guaranteed) => {
    const { guarantees, notes } = healthOf(answered, podman, gvisor);
    expect(guarantees).toMatchObject(guaranteed);
    // Whatever is not guaranteed is told, with the reason.
    expect(notes.length > 0).toBe(Object.values(guaranteed).includes(false));
  });
});
