import sys


def hook(kind, error, trace):
    raise SystemExit(7)


sys.excepthook = hook
raise ValueError("never seen")
