# Children that are busy and deaf when the time is over.
#: {"limits": {"timeoutMs": 700, "cpus": 0.5}, "exit": "timeout", "prints": ""}
import os
import signal

for _ in range(3):
    os.fork()
for number in (1, 2, 3, 15, 24):
    signal.signal(number, signal.SIG_IGN)
while True:
    pass
