import inspect
import sys


def function(a, b=1, *rest, c):
    """Its words."""
    return inspect.currentframe().f_lineno


class Mine:
    x = 1


print(inspect.getsource(function), inspect.getsourcefile(Mine), inspect.getmodule(function))
print(inspect.signature(function), inspect.getdoc(function), inspect.getsourcelines(Mine))
print(inspect.getfile(sys.modules["__main__"]), function(1, c=2))
