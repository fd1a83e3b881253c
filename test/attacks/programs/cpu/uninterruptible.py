# Waits where signals are not heeded: in vfork, whose parent sleeps until its child is gone.
#: {"limits": {"timeoutMs": 700}, "exit": "timeout", "prints": ""}
import subprocess
import sys

subprocess.run(["/bin/sh", "-c", "trap '' 1 2 3 15; while :; do sleep 60; done"])
