# A daemon that is to go on when the time of its job is over.
#: {"limits": {"timeoutMs": 1500}, "exit": "timeout", "leavesAmong": ["beat"]}
import os
import signal
import time

from attack import held

signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            time.sleep(0.01)
            open("/workspace/output/beat", "a").close() if os.path.exists("/workspace/output") else None
    os._exit(0)
held()
time.sleep(60)
