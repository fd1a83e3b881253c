# A file of a pebibyte without a block of its own: whoever copies it fills the disk.
#: {"leaves": ["ok.txt"]}
import os

from attack import does, held

os.chdir(os.environ["JOB_OUTPUT_DIR"])
open("ok.txt", "w").write("ok")
does("sparse", lambda: open("sparse", "w").truncate(1 << 50))
if os.path.exists("sparse"):
    os.unlink("sparse")
held()
