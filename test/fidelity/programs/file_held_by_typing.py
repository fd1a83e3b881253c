import os
import typing


class Held:
    def method(self):
        pass


kept = typing.List[Held]
binary = open(os.environ["JOB_OUTPUT_DIR"] + "/binary", "wb")
binary.write(b"x" * 100)
text = open(os.environ["JOB_OUTPUT_DIR"] + "/text", "w")
text.write("x" * 100)
