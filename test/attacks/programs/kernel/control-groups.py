# Leaves its control groups or raises their limits, and has the kernel run a program when one is empty.
import os

from attack import does, gets, held

for folder, folders, files in os.walk("/sys/fs/cgroup"):
    for name in files:
        if name in ("release_agent", "cgroup.procs", "tasks", "memory.max", "memory.limit_in_bytes", "pids.max", "cpu.max", "cpu.cfs_quota_us", "notify_on_release", "devices.allow", "cgroup.kill"):
            does(f"{folder}/{name}", lambda: os.open(f"{folder}/{name}", os.O_WRONLY))
    does("make " + folder, lambda: os.mkdir(folder + "/mine"))
gets("own place is the root", lambda: [line for line in open("/proc/self/cgroup") if line.strip().split(":")[2] != "/" and "/.." in line])
held()
