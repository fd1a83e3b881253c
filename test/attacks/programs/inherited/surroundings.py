# Starts with another umask, folder, terminal, session or limits than it should.
import os
import resource

from attack import held

umask = os.umask(0)
checks = {
    "umask": umask == 0o022,
    "folder": os.getcwd() == "/workspace/code",
    "terminal": not any(os.isatty(fd) for fd in range(3)),
    "session": os.getsid(0) != 0,
    "core": resource.getrlimit(resource.RLIMIT_CORE)[1] == 0,
    "files": resource.getrlimit(resource.RLIMIT_NOFILE)[1] <= 4096,
    "memlock": resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] <= 1 << 20,
    "user": os.getuid() != 0 and os.geteuid() != 0 and os.getgid() != 0,
    "groups": 0 not in os.getgroups(),
    "nice": os.getpriority(os.PRIO_PROCESS, 0) >= 0,
    "host name": os.uname().nodename == "job",
}
for name, fine in checks.items():
    if not fine:
        print("BROKEN", name)
held()
