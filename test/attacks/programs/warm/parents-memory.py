# Reads the process that it was forked from, or whatever started it.
import os

from attack import does, gets, held

for pid in {os.getppid(), 1, os.getpid() - 1}:
    if pid == os.getpid() or pid < 1:
        continue
    does(f"mem {pid}", lambda: open(f"/proc/{pid}/mem", "rb"))
    gets(f"fds {pid}", lambda: os.listdir(f"/proc/{pid}/fd"))
    gets(f"maps {pid}", lambda: open(f"/proc/{pid}/smaps").read())
    does(f"root {pid}", lambda: os.listdir(f"/proc/{pid}/root"))
held()
