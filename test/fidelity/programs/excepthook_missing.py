import sys

del sys.excepthook
raise ValueError("still seen")
