# Maps memory that no allocator counts, and touches it.
#: {"limits": {"memoryBytes": 67108864}, "exit": "oom", "prints": ""}
import mmap

taken = []
while True:
    taken.append(mmap.mmap(-1, 16 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    for page in range(0, 16 << 20, 4096):
        taken[-1][page] = 1
