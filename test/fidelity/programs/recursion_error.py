import sys


def deeper(n):
    return deeper(n + 1)


try:
    deeper(0)
except RecursionError as error:
    print(type(error).__name__, sys.getrecursionlimit())
sys.setrecursionlimit(300)
print(sys.getrecursionlimit())
