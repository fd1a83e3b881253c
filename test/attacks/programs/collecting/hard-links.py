# Names one file twice: whoever collects by one name may be reading what the other name will become.
#: {"leavesOut": ["one", "two"]}
import os

from attack import held

os.chdir(os.environ["JOB_OUTPUT_DIR"])
open("one", "w").write("x")
os.link("one", "two")
held()
