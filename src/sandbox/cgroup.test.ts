import { describe, expect, it } from 'vitest';
import { parseMounts, parseOwn } from './cgroup.ts';

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
