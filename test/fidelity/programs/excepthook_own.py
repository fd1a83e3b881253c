import sys


def hook(kind, error, trace):
    print("hook", kind.__name__, error, trace.tb_lineno, sys.exc_info())


sys.excepthook = hook
raise ValueError("seen")
