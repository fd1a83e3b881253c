# Every process makes processes, and goes on when it can't.
#: {"limits": {"pids": 20, "timeoutMs": 1000, "cpus": 0.5}, "exit": "timeout", "prints": ""}
import os

while True:
    try:
        os.fork()
    except OSError:
        pass
