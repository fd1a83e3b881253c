# Closes its output and goes on: an end of output is no end of a job.
#: {"limits": {"timeoutMs": 600}, "exit": "timeout", "prints": ""}
import os
import time

os.closerange(0, 3)
time.sleep(60)
