"""Arguments, environment and standard input: see “Settings” below."""

import os
import sys

print("arguments  ", sys.argv[1:])
print("GREETING   ", os.environ.get("GREETING", "is not set"))
print("input      ", repr(sys.stdin.read()))
