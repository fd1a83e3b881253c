# Takes over from the init: gathers orphans as their reaper, and dies.
import os
import time

from attack import held, libc

libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
for _ in range(5):
    if os.fork() == 0:
        if os.fork() == 0:
            os.setsid()
            time.sleep(60)
        os._exit(0)
held()
os._exit(0)
