import sys

print("pickle" in sys.modules)
