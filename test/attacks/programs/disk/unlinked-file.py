# Fills the disk with a file that has no name any more.
#: {"limits": {"diskBytes": 8388608}, "exitAmong": ["disk_limit", "exited 1"], "printsLike": ""}
import os

with open("/tmp/fill", "wb", 0) as file:
    os.unlink("/tmp/fill")
    while True:
        file.write(b"x" * 65536)
