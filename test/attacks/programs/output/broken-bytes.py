# NULs, bytes that are no UTF-8, every control character.
#: {"printsLike": "^[^]*\\ufffd[^]*held\n$"}
import os

os.write(1, bytes(range(256)) + b"\xc3\x28\xf0\x9f\x98\n\0\0\0\n")
from attack import held

held()
