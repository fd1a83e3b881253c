# One line without end.
#: {"limits": {"outputBytes": 300000}, "exit": "output_limit", "outputBytes": 300000}
import sys

while True:
    sys.stdout.write("x" * 10_000)
