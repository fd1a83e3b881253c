# Replaces itself over and over, so that whoever looks always finds another program.
#: {"limits": {"timeoutMs": 1500, "cpus": 0.5}, "exit": "timeout", "prints": ""}
import os

for _ in range(3):
    os.fork()
again = 'exec /bin/sh -c "$0" "$0"'
os.execv("/bin/sh", ["sh", "-c", again, again])
