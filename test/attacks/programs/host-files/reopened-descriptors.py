# Opens what it may only read once more through /proc/self/fd and map_files, to write it.
import os
import sys

from attack import does, held

fd = os.open(os.__file__, os.O_RDONLY)
does("by fd", lambda: os.open(f"/proc/self/fd/{fd}", os.O_RDWR))
does("by exe", lambda: open("/proc/self/exe", "r+b"))
for region in os.listdir("/proc/self/map_files") if os.path.exists("/proc/self/map_files") else ():
    does("by map " + region, lambda: open("/proc/self/map_files/" + region, "r+b"))
own = os.open("/workspace/code/main.py", os.O_RDONLY)
does("own code", lambda: os.open(f"/proc/self/fd/{own}", os.O_RDWR))
held()
