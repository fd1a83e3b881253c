"""A compressed file is whole when it has been closed, and not before."""

import gzip
import os
import signal


def handler(*what):
    pass


signal.signal(signal.SIGTERM, handler)
file = gzip.GzipFile(os.environ["JOB_OUTPUT_DIR"] + "/compressed", "wb", mtime=0)
file.write(b"x" * 100)
