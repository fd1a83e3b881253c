# Changes programs and libraries that others will run, and what the dynamic linker heeds.
import os
import sys

from attack import does, held

for path in (sys.executable, os.__file__, "/etc/passwd", "/etc/ld.so.preload", "/etc/ld.so.cache", "/usr/lib/os-release", "/usr/local/x", "/opt/x", "/x", "/bin/sh"):
    does("append to " + path, lambda: open(path, "ab"))
    does("replace " + path, lambda: os.rename("/workspace/code/main.py", path))
    does("remove " + path, lambda: os.unlink(path))
    does("chmod " + path, lambda: os.chmod(path, 0o777))
held()
