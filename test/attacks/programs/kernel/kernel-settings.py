# Writes settings of the kernel: who handles crashes, modules, requests by key.
from attack import does, held


def write_again(path):
    """What is there already, so that nothing is changed should it work."""
    with open(path, "r+b", 0) as file:
        file.write(file.read(4096) or b"0")


for path in ("kernel/core_pattern", "kernel/modprobe", "kernel/hotplug", "kernel/yama/ptrace_scope", "vm/overcommit_memory", "fs/suid_dumpable", "net/ipv4/ip_forward", "kernel/hostname", "kernel/ns_last_pid", "fs/mqueue/queues_max", "kernel/shmmax"):
    does(path, lambda: write_again("/proc/sys/" + path))
for path in ("/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/proc/1/oom_score_adj", "/proc/self/uid_map", "/proc/1/uid_map", "/sys/kernel/uevent_helper", "/sys/power/state", "/sys/fs/cgroup/cgroup.procs", "/sys/kernel/mm/ksm/run"):
    does(path, lambda: write_again(path))
held()
