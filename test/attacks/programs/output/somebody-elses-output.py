# Writes into the output of the init, the agent, the terminal, other processes.
import os

from attack import does, held

mine = {str(os.getpid()), "self", "thread-self"}
for pid in [name for name in os.listdir("/proc") if name.isdigit() and name not in mine]:
    for fd in range(10):
        does(f"fd {fd} of {pid}", lambda: open(f"/proc/{pid}/fd/{fd}", "wb", 0).write(b"x"))
for path in ("/dev/tty", "/dev/console", "/dev/tty0", "/dev/pts/0", "/dev/kmsg"):
    does(path, lambda: open(path, "wb", 0).write(b"x"))
held()
