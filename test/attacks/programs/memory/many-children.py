# Many processes with a little each: no single one is large.
#: {"limits": {"memoryBytes": 100663296, "pids": 40}, "exit": "oom", "printsLike": "^"}
import os
import time

for _ in range(30):
    if os.fork() == 0:
        taken = bytearray(os.urandom(1000) * 8000)
        time.sleep(20)
        os._exit(0)
for _ in range(30):
    os.wait()
