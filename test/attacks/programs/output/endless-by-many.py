# Many children speak without end, on both streams.
#: {"limits": {"outputBytes": 200000}, "exit": "output_limit", "outputBytes": 200000, "split": true}
import os
import sys

for _ in range(3):
    os.fork()
while True:
    os.write(1 + os.getpid() % 2, b"y" * 1000)
