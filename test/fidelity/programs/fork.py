import os
import sys

sys.stdout.write("once\n")
pid = os.fork()
if pid == 0:
    print("child", os.getppid() != 0)
    sys.exit(4)
print("parent", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
