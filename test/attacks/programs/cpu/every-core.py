# Busy loops, more of them than there are cores.
#: {"limits": {"cpus": 0.25}, "maxCpuShare": 0.3}
import os
import time

from attack import held

end = time.monotonic() + 1.5
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        while time.monotonic() < end:
            pass
        os._exit(0)
    children.append(child)
while time.monotonic() < end:
    pass
for child in children:
    os.waitpid(child, 0)
held()
