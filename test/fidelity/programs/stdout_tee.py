"""Streams of the program's own, which have no more than they need."""

import sys


class Tee:
    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        return self.stream.write(text)

    def flush(self):
        self.stream.flush()


sys.stdout, sys.stderr = Tee(sys.stdout), Tee(sys.stderr)
print("said")
print("complained", file=sys.stderr)
