import sys

print("said")
sys.modules = None
