import os
import sys

if len(sys.argv) == 1:
    os.execv(sys.executable, [sys.executable, "exec_itself.py", "second"])
print(sys.argv)
