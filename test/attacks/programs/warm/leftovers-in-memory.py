# Searches its own memory for another job's words: what a process has read is inherited by those that are forked from it.
import re

from attack import held, target

half = target()["other_jobs_word"]
needle = re.compile(half.encode() + b"[0-9a-f]{16}")
with open("/proc/self/mem", "rb", 0) as memory:
    for line in open("/proc/self/maps"):
        start, end = (int(n, 16) for n in line.split()[0].split("-"))
        if "r" not in line.split()[1] or end - start > 1 << 28 or "[v" in line:
            continue
        try:
            memory.seek(start)
            found = needle.search(memory.read(end - start))
        except OSError:
            continue
        if found:
            print("BROKEN", line, found.group())
held()
