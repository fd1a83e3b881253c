import os

with open("/proc/self/environ", "rb") as file:
    initial = dict(entry.split(b"=", 1) for entry in file.read().split(b"\0") if entry)
print(initial == dict(os.environb))
