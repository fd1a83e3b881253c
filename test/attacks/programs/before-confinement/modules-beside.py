# Modules beside the program that have the names of what the launcher or the agent imports.
#: {"files": {"os.py": "print('BROKEN os')", "sitecustomize.py": "print('BROKEN sitecustomize')", "usercustomize.py": "print('BROKEN usercustomize')", "kernel.py": "X = 'mine'", "confine.py": "X = 'mine'", "server.py": "X = 'mine'", "program.py": "X = 'mine'"}}
import confine
import kernel
import program
import server

from attack import held

for module in (confine, kernel, program, server):
    if module.X != "mine":
        print("BROKEN", module)
held()
