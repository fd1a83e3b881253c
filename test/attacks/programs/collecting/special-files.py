# Leaves a FIFO (which a reader would wait on for ever), sockets and devices.
#: {"leaves": ["ok.txt"], "leavesOut": ["fifo", "socket"]}
import os
import socket
import stat

from attack import does, held

os.chdir(os.environ["JOB_OUTPUT_DIR"])
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
does("block device", lambda: os.mknod("disk", 0o660 | stat.S_IFBLK, os.makedev(8, 0)))
does("memory device", lambda: os.mknod("mem", 0o660 | stat.S_IFCHR, os.makedev(1, 1)))
open("ok.txt", "w").write("ok")
held()
