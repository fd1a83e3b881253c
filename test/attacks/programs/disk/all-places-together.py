# Stays below the limit in each place, and far beyond it in all of them together.
#: {"limits": {"diskBytes": 8388608}, "exit": "disk_limit", "printsLike": "", "leavesAmong": ["fill"]}
for folder in ("/tmp", "/dev/shm", "/workspace/output", "/var/tmp"):
    with open(folder + "/fill", "wb", 0) as file:
        for _ in range(60):
            file.write(b"x" * 65536)
