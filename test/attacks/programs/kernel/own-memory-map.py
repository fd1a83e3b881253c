# Moves the bounds of its own memory, which is how a process lies about its name and its code.
from attack import held, libc

import ctypes

for option in range(1, 16):
    ctypes.set_errno(0)
    if libc.prctl(35, option, ctypes.c_ulong(0), 0, 0) == 0:  # PR_SET_MM
        print("BROKEN", option)
held()
