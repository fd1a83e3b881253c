# Uses descriptors that somebody forgot to close.
import os

from attack import held


def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


for fd in [fd for fd in range(3, 5000) if is_open(fd)]:
    print("BROKEN", fd, os.readlink(f"/proc/self/fd/{fd}"))
held()
