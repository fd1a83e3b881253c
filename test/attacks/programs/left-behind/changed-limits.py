# Lowers its limits and changes what is shared between processes of a user.
import os
import resource

from attack import held

for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_AS, resource.RLIMIT_STACK):
    try:
        resource.setrlimit(which, (1 << 30 if which in (resource.RLIMIT_AS, resource.RLIMIT_STACK) else 16, -1 if which == resource.RLIMIT_AS else resource.getrlimit(which)[1]))
    except (OSError, ValueError):
        pass
held()
