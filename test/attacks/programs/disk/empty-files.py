# A million files without content: each takes an inode.
#: {"limits": {"diskBytes": 4194304}, "exit": "disk_limit", "printsLike": ""}
for number in range(1_000_000):
    open(f"/tmp/{number}", "w").close()
