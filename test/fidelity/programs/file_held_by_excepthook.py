"""A function of the program is held by what is not the program's, and that holds a file."""

import os
import sys


def hook(*what):
    pass


sys.excepthook = hook
binary = open(os.environ["JOB_OUTPUT_DIR"] + "/binary", "wb")
binary.write(b"x" * 100)
text = open(os.environ["JOB_OUTPUT_DIR"] + "/text", "w")
text.write("x" * 100)
