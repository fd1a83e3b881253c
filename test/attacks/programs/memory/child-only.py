# Has a child killed for its memory and pretends that nothing was.
#: {"limits": {"memoryBytes": 67108864}, "exit": "oom", "printsLike": "^"}
import os
import time

if os.fork() == 0:
    taken = []
    while True:
        taken.append(bytearray(8_000_000))
os.wait()
time.sleep(0.3)
