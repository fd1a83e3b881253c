# Changes its own code and inputs, which an attempt after it would read.
import os

from attack import does, held

for folder in ("/workspace/code", "/workspace/input", "/workspace"):
    does("make in " + folder, lambda: open(folder + "/x", "w"))
    does("folder in " + folder, lambda: os.mkdir(folder + "/d"))
    does("link in " + folder, lambda: os.symlink("/etc", folder + "/l"))
does("code", lambda: open("/workspace/code/main.py", "w"))
does("input", lambda: open("/workspace/input/target.json", "w"))
does("rename", lambda: os.rename("/workspace/code/main.py", "/workspace/code/other.py"))
does("mode", lambda: os.chmod("/workspace/code/main.py", 0o777))
held()
