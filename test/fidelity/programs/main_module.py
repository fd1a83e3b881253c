import __main__
import sys

print(sorted(globals()))
print(__name__, __file__, __doc__, __package__, __spec__, __cached__, type(__loader__).__name__, __loader__.name, __loader__.path)
print(__main__ is sys.modules["__main__"], vars(__main__) is globals(), __builtins__, __main__)
print(globals().get("__annotations__"), list(globals())[:6])
