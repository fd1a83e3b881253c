# Folders and symbolic links without end: they hold no bytes, and take memory.
#: {"limits": {"diskBytes": 4194304}, "exit": "disk_limit", "printsLike": ""}
import os

for number in range(1_000_000):
    os.symlink("x" * 1000, f"/tmp/l{number}")
    os.mkdir(f"/tmp/d{number}")
