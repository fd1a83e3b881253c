"""A function of the program is held by what is not the program's, and that holds its files."""

import builtins
import os
import signal
import sys
import typing


def function(*what):
    pass


class Class:
    def method(self):
        pass


form = sys.argv[1]
if form == "excepthook":
    sys.excepthook = function
elif form == "signal":
    signal.signal(signal.SIGTERM, function)
elif form == "builtins":
    builtins.own = function
else:
    typing.List[Class]
binary = open(os.environ["JOB_OUTPUT_DIR"] + "/binary", "wb")
binary.write(b"x" * 100)
text = open(os.environ["JOB_OUTPUT_DIR"] + "/text", "w")
text.write("x" * 100)
