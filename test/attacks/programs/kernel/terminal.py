# Types into the terminal that the service was started from.
import fcntl
import os

from attack import does, held

for path in ("/dev/tty", "/dev/console", "/proc/self/fd/0", "/proc/1/fd/0"):
    for request in (0x5412, 0x541C):  # TIOCSTI, TIOCLINUX
        does(f"{request:x} {path}", lambda: fcntl.ioctl(os.open(path, os.O_RDONLY | os.O_NOCTTY), request, b"x"))
does("a terminal of its own", lambda: fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), 0x540E, 0))
does("tcgetsid", lambda: os.tcgetpgrp(0))
held()
