# Leaves symbolic links to the host's files and folders where its output is collected.
#: {"leaves": ["ok.txt"], "leavesOut": ["absolute", "dangling", "folder", "loop", "relative", "root", "self"]}
import os

from attack import held

os.chdir(os.environ["JOB_OUTPUT_DIR"])
open("ok.txt", "w").write("ok")
os.symlink("/etc/passwd", "absolute")
os.symlink("../../../../../../etc/passwd", "relative")
os.symlink("/etc", "folder")
os.symlink("/", "root")
os.symlink("/proc/self/environ", "self")
os.symlink("/nowhere", "dangling")
os.symlink("loop", "loop")
held()
