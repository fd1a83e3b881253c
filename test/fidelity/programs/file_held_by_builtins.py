import builtins
import os


def own(*what):
    pass


builtins.own = own
binary = open(os.environ["JOB_OUTPUT_DIR"] + "/binary", "wb")
binary.write(b"x" * 100)
text = open(os.environ["JOB_OUTPUT_DIR"] + "/text", "w")
text.write("x" * 100)
