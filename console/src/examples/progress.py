"""Colours, a progress bar that redraws its line, and what goes to standard error."""

import sys
import time

STEPS = 40
print("\x1b[1mTraining\x1b[0m with \x1b[36m3 layers\x1b[0m and \x1b[35mseed 7\x1b[0m")

for step in range(STEPS + 1):
    done = step * 30 // STEPS
    bar = "█" * done + "░" * (30 - done)
    print(f"\r\x1b[32m{bar}\x1b[0m {step * 100 // STEPS:3d}%", end="", flush=True)
    time.sleep(0.08)
print()

print("the learning rate was low; it still worked", file=sys.stderr)
print("\x1b[32m✓\x1b[0m loss \x1b[1m0.042\x1b[0m")
