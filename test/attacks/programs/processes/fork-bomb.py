# Makes processes until there are no more to be had.
#: {"limits": {"pids": 20}, "prints": "stopped\nheld\n"}
import os
import time

from attack import held

try:
    for _ in range(10_000):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
except OSError:
    print("stopped", flush=True)
held()
