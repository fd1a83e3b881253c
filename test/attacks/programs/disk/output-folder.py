# Fills the output folder; what could be written is handed out.
#: {"limits": {"diskBytes": 4194304}, "exit": "disk_limit", "printsLike": "", "leavesAmong": ["fill"]}
with open("/workspace/output/fill", "wb", 0) as file:
    while True:
        file.write(b"x" * 65536)
