import fileinput
import os
import sys

form = sys.argv.pop(1)
if form == "input":
    print(repr(input("prompt ")))
    print(repr(input()))
elif form == "lines":
    print([line for line in sys.stdin], sys.stdin.readline() == "")
elif form == "bytes":
    print(sys.stdin.buffer.read())
elif form == "descriptor":
    print(os.read(0, 100), sys.stdin.read())
elif form == "file":
    print(open(0).read(), open("/dev/stdin").read() != "x", list(fileinput.input()))
elif form == "seek":
    print(os.lseek(0, 2, os.SEEK_SET), os.read(0, 3))
