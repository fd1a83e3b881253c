# Makes threads until there are no more to be had.
#: {"limits": {"pids": 20}, "prints": "stopped\nheld\n"}
import os
import threading
import time

from attack import held

try:
    for _ in range(10_000):
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
except RuntimeError:
    print("stopped", flush=True)
held()
os._exit(0)
