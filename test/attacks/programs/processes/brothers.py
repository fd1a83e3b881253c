# Gives the process that started it children that it does not know.
from attack import X64, call, held, libc
import ctypes
import os

CLONE_PARENT, SIGCHLD = 0x8000, 17
call("clone with CLONE_PARENT", 56, 220, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0)
held()
