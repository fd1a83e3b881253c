# Leaves hundreds of dead children that nobody waits for: each takes a number until it is reaped.
#: {"limits": {"pids": 40, "timeoutMs": 60000}}
import os
import time

from attack import held

for _ in range(300):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
held()
