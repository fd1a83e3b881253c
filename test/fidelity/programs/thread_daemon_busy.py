"""Daemon threads that use the program's names until the very end."""

import threading
import time

import ticks


def use():
    while True:
        ticks.tick()


for _ in range(4):
    threading.Thread(target=use, daemon=True).start()
time.sleep(0.05)
print("said")
