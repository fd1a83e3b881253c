# More files than anybody wants to keep.
#: {"leavesCount": 100, "leavesOut": ["1900 more files"]}
import os

from attack import held

os.chdir(os.environ["JOB_OUTPUT_DIR"])
for number in range(2000):
    open(f"{number:04}", "w").close()
held()
