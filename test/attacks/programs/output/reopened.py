# Opens its output again and cuts, moves and floods what it may have written to.
#: {"limits": {"outputBytes": 50000}, "exit": "output_limit", "outputBytes": 50000}
import os

out = os.open("/proc/self/fd/1", os.O_WRONLY | os.O_APPEND)
try:
    os.ftruncate(out, 0)
except OSError:
    pass
while True:
    os.write(out, b"z" * 1000)
