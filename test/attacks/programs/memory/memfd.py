# Memory behind a descriptor: no file system's limit holds for it.
#: {"limits": {"memoryBytes": 67108864}, "exit": "oom", "prints": ""}
import os

block = b"x" * (1 << 20)
while True:
    fd = os.memfd_create("m")
    for _ in range(16):
        os.write(fd, block)
