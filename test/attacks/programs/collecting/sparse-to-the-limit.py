# Sparse files, each as large as a file may be: together they are far beyond the disk's limit without a block in use.
#: {"limits": {"diskBytes": 8388608}, "collect": {"maxBytes": 8388608}, "leavesCount": 1, "leavesOutCount": 9}
import os

from attack import held

os.chdir(os.environ["JOB_OUTPUT_DIR"])
for number in range(10):
    open(str(number), "w").truncate(8 << 20)
held()
