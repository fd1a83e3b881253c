# Input that would be a program, if anybody fed it to one.
#: {"stdin": "print('BROKEN')\nexec id\n"}
import sys

from attack import held

if sys.stdin.read() != "print('BROKEN')\nexec id\n":
    print("not what was sent")
held()
