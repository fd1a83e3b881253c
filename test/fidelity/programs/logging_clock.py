"""Counts from the program's start, or nearly: the fork server may be older than ten seconds."""

import logging

with open("/proc/uptime") as file:
    up = float(file.read().split()[0])
with open("/proc/self/stat") as file:
    started = int(file.read().rpartition(")")[2].split()[19]) / 100
record = logging.makeLogRecord({})
print(record.relativeCreated < (up - started + 1) * 1000)
