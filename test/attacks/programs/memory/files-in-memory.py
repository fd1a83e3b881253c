# Fills files that are memory, up to a disk limit that is larger than the memory.
#: {"limits": {"memoryBytes": 67108864, "diskBytes": 268435456}, "exit": "oom", "prints": ""}
block = b"x" * (1 << 20)
with open("/dev/shm/fill", "wb", 0) as file:
    for _ in range(250):
        file.write(block)
