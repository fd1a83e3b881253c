# Stops itself and its parent: nobody may wait for it for longer than its time.
#: {"limits": {"timeoutMs": 1500}, "exit": "timeout"}
import os
import signal

from attack import held

held()
try:
    os.kill(os.getppid(), signal.SIGSTOP)
except OSError:
    pass
os.kill(os.getpid(), signal.SIGSTOP)
