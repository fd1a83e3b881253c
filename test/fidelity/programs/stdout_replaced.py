import contextlib
import io
import sys

with contextlib.redirect_stdout(io.StringIO()) as text:
    print("kept")
print(repr(text.getvalue()))
sys.stdout = open(1, "w", closefd=False)
print("flushed at the end")
sys.exit("after that")
