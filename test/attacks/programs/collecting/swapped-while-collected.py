# A daemon that goes on exchanging a file for a link while the output is collected; it has to be dead by then.
#: {"leavesAmong": ["file", "new"], "leavesOutAmong": ["file", "link"]}
import os

from attack import held

os.chdir(os.environ["JOB_OUTPUT_DIR"])
if os.fork() == 0:
    os.setsid()
    while True:
        try:
            open("new", "w").write("x" * 100)
            os.rename("new", "file")
            os.symlink("/etc/passwd", "link")
            os.rename("link", "file")
        except OSError:
            pass
import time

time.sleep(0.1)
held()
