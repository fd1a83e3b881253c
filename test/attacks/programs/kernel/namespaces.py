# New namespaces of every kind, in which it would have all rights; and those of others.
import os

from attack import call, does, held

for name, flag in {"user": 0x10000000, "mount": 0x20000, "net": 0x40000000, "pid": 0x20000000, "ipc": 0x8000000, "uts": 0x4000000, "cgroup": 0x2000000}.items():
    call("unshare " + name, 272, 97, flag)
    call("unshare user and " + name, 272, 97, flag | 0x10000000)
    call("clone " + name, 56, 220, flag | 17, 0, 0, 0, 0)
for kind in ("user", "mnt", "net", "pid", "ipc", "uts", "cgroup"):
    for pid in ("1", "self"):
        try:
            fd = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
        except OSError:
            continue
        call(f"setns {kind} of {pid}", 308, 268, fd, 0)
call("clone3", 435, 435, b"\0" * 88, 88)
held()
