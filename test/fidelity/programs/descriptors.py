import os
import stat


def is_open(fd):
    try:
        return os.fstat(fd)
    except OSError:
        return None


print([fd for fd in range(64) if is_open(fd)])
print([os.get_inheritable(fd) for fd in range(3)], [stat.S_ISFIFO(os.fstat(fd).st_mode) for fd in range(3)])
print(os.get_blocking(0), os.get_blocking(1), os.open("/dev/null", os.O_RDONLY))
