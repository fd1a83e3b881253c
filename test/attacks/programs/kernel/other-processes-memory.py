# Looks into and writes to other processes: debugging, copying, borrowing descriptors.
import ctypes
import os

from attack import call, held

for pid in (1, os.getppid()):
    call(f"ptrace attach {pid}", 101, 117, 16, pid, 0, 0)
    call(f"ptrace seize {pid}", 101, 117, 0x4206, pid, 0, 0)
    buffer = ctypes.create_string_buffer(64)
    iov = (ctypes.c_ulong * 2)(ctypes.addressof(buffer), 64)
    call(f"process_vm_readv {pid}", 310, 270, pid, iov, 1, iov, 1, 0)
    call(f"process_vm_writev {pid}", 311, 271, pid, iov, 1, iov, 1, 0)
    fd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") and os.path.exists(f"/proc/{pid}") else -1
    call(f"pidfd_getfd {pid}", 438, 438, fd, 1, 0)
    call(f"process_madvise {pid}", 440, 440, fd, iov, 1, 21, 0)
    call(f"kcmp {pid}", 312, 272, os.getpid(), pid, 0, 0, 0)
call("ptrace traceme", 101, 117, 0, 0, 0, 0)
held()
