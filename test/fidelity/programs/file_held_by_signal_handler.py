import os
import signal


def handler(*what):
    pass


signal.signal(signal.SIGTERM, handler)
binary = open(os.environ["JOB_OUTPUT_DIR"] + "/binary", "wb")
binary.write(b"x" * 100)
text = open(os.environ["JOB_OUTPUT_DIR"] + "/text", "w")
text.write("x" * 100)
