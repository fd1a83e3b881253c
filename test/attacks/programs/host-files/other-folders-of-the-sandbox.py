# Looks for the folders that sandboxes are put together from, by every name they might have.
import os

from attack import gets, held

for path in ("/jobs", "/cg", "/zyg", "/m", "/newroot", "/oldroot", "/opt/agent", "/proc/1/root/jobs", "/workspace/..data", "/tmp/..", "/.dockerenv"):
    gets(path, lambda: [name for name in os.listdir(path) if name not in os.listdir("/")] if os.path.isdir(path) else None)
gets("a path upwards", lambda: set(os.listdir("/workspace/code/../../../../..")) - set(os.listdir("/")))
root = os.open("/", os.O_RDONLY)
gets("above the root", lambda: set(os.listdir(os.open("../../../..", os.O_RDONLY, dir_fd=root))) - set(os.listdir("/")))
held()
