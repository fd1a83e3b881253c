# Becomes another user by what the system has for it, and by a setuid program of its own.
import os
import shutil
import subprocess

from attack import does, gets, held

for call, value in ((os.setuid, 0), (os.setgid, 0), (os.seteuid, 0), (os.setuid, 65534)):
    does(f"{call.__name__} {value}", lambda: call(value))
does("setgroups", lambda: os.setgroups([0, 27]))
copy = "/tmp/id"
shutil.copy("/usr/bin/id", copy)
try:
    os.chmod(copy, 0o6755)
except OSError:
    pass
gets("own setuid", lambda: b"euid=" in subprocess.run([copy], capture_output=True).stdout)
for program in ("su", "sudo", "mount", "passwd", "newgrp", "chsh", "fusermount3", "newuidmap"):
    path = shutil.which(program)
    if path:
        gets(program, lambda: b"uid=0" in subprocess.run([path, "-c", "id"], stdin=subprocess.DEVNULL, capture_output=True, timeout=5).stdout)
held()
