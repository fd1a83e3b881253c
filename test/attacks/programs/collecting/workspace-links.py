# In a writable workspace, exchanges uploaded files and folders for links to the host.
#: {"workspace": "writable", "files": {"data/old.txt": "old"}, "leavesOut": ["data", "main.py"]}
import os
import shutil

from attack import held

shutil.rmtree("data")
os.symlink("/etc", "data")
os.unlink("main.py")
os.symlink("/etc/passwd", "main.py")
held()
