# Reads what the kernel tells about itself: addresses, memory, keys, its log, its command line's secrets.
import os

from attack import gets, held

for path in ("/proc/kcore", "/proc/kallsyms", "/proc/keys", "/proc/key-users", "/proc/kmsg", "/proc/timer_list", "/proc/sched_debug", "/proc/vmallocinfo", "/proc/slabinfo", "/proc/acpi/event", "/proc/scsi/scsi", "/sys/kernel/security/lsm", "/sys/firmware/acpi/tables/DSDT", "/dev/mem", "/dev/kmem", "/dev/port"):
    gets(path, lambda: open(path, "rb").read(64))
held()
