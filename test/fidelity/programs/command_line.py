import sys

with open("/proc/self/cmdline") as file:
    print(file.read().split("\0"), sys.argv)
