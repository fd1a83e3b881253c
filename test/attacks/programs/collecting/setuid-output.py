# A setuid program as an artifact: whoever keeps its mode gives it away.
#: {"leaves": ["program"]}
import os

from attack import held

os.chdir(os.environ["JOB_OUTPUT_DIR"])
open("program", "w").write("#!/bin/sh\n")
try:
    os.chmod("program", 0o6755)
except OSError:
    pass
held()
