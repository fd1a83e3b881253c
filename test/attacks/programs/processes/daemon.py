# Leaves a daemon behind: own session, two forks, deaf to signals, holding the output open.
import os
import signal
import time

from attack import held

if os.fork() == 0:
    os.setsid()
    for number in range(1, 32):
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            pass
    if os.fork() == 0:
        while True:
            time.sleep(1)
    os._exit(0)
held()
