# Folders and files without any right, which the collector can't skip by failing.
#: {"leaves": ["ok.txt", "shut-file", "shut/inside"]}
import os

from attack import held

os.chdir(os.environ["JOB_OUTPUT_DIR"])
open("ok.txt", "w").write("ok")
os.mkdir("shut")
open("shut/inside", "w").write("x")
open("shut-file", "w").write("x")
os.chmod("shut-file", 0)
os.chmod("shut", 0)
held()
