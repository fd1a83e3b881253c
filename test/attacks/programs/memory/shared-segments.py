# System V shared memory, which outlives processes.
#: {"limits": {"memoryBytes": 67108864}, "exit": "oom", "prints": ""}
import ctypes

from attack import libc

libc.shmat.restype = ctypes.c_void_p
for _ in range(100):
    segment = libc.shmget(0, 8 << 20, 0o1600)
    address = libc.shmat(segment, None, 0)
    ctypes.memset(address, 1, 8 << 20)
