# Has a capability of any kind, or gets one: by a call, by a program that has one, by a namespace.
import ctypes
import os
import subprocess

from attack import does, gets, held, libc

status = open("/proc/self/status").read()
for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
    gets(field, lambda: int(status.split(field + ":")[1].split()[0], 16))
gets("new privileges", lambda: int(status.split("NoNewPrivs:")[1].split()[0]) == 0)
gets("no filter", lambda: int(status.split("Seccomp:")[1].split()[0]) != 2)
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
data = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
gets("capset", lambda: libc.capset(header, data) == 0)
gets("ambient", lambda: libc.prctl(47, 2, 21, 0, 0) == 0)
gets("keep", lambda: libc.prctl(8, 1, 0, 0, 0) == 0 and os.getuid() == 0)
gets("ping", lambda: subprocess.run(["ping", "-c1", "-W1", "127.0.0.1"], capture_output=True).returncode == 0)
held()
