# A tree of 2,000 folders, deeper than a path can be long.
#: {"leaves": ["ok.txt"], "leavesOut": ["d/d/d/d/d/d/d/d/d"]}
import os

from attack import held

os.chdir(os.environ["JOB_OUTPUT_DIR"])
open("ok.txt", "w").write("ok")
for _ in range(2000):
    os.mkdir("d")
    os.chdir("d")
open("file", "w").write("x")
held()
