import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCgroups, parseMounts, parseOwn } from './cgroup.ts';

const HYBRID = `30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
32 23 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 23 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
34 23 0:30 / /tmp rw - tmpfs tmpfs rw`;

describe('finding the control groups', () => {
  it('finds the three hierarchies of version 1, also where two controllers share one', () => {
    expect(parseMounts(HYBRID)).toEqual({
      v1: { cpu: '/sys/fs/cgroup/cpu,cpuacct', memory: '/sys/fs/cgroup/memory', pids: '/sys/fs/cgroup/pids' },
      v2: '/sys/fs/cgroup/unified',
    });
  });

  it('finds the one hierarchy of version 2', () => {
    expect(parseMounts('30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate')).toEqual({ v1: {}, v2: '/sys/fs/cgroup' });
  });

  it('reads the own group of each hierarchy', () => {
    const own = parseOwn('4:cpu,cpuacct:/a\n3:memory:/b:c\n0::/user.slice/x.scope\n');
    expect([own.get('cpu'), own.get('memory'), own.get('')]).toEqual(['/a', '/b:c', '/user.slice/x.scope']);
  });
});

// Who is not root has no groups to write to, unless somebody has handed some on.
describe.skipIf(process.getuid?.() !== 0)('a job’s groups (as root)', () => {
  it('weigh as much against other jobs as the job may take, so that many small ones don’t crowd out a large one', async () => {
    const cgroups = await openCgroups(`weights-${process.pid}`);
    const weightOf = async (id: string, cpus: number): Promise<number> => {
      const group = await cgroups.create(id);
      group.limit({ cpus, memoryBytes: 64 * 1024 ** 2, pids: 16 });
      const files = group.procsFiles.flatMap((file) => ['cpu.shares', 'cpu.weight'].map((name) => join(dirname(file), name)));
      const weight = Number(readFileSync(files.find((file) => existsSync(file)) ?? '', 'utf8'));
      await group.remove();
      return weight;
    };
    const [quarter, whole, two] = [await weightOf('quarter', 0.25), await weightOf('whole', 1), await weightOf('two', 2)];
    await cgroups.close();
    expect([whole / quarter, two / whole]).toEqual([4, 2]);
  });
});
