# Fills /tmp.
#: {"limits": {"diskBytes": 8388608}, "exit": "disk_limit", "printsLike": ""}
with open("/tmp/fill", "wb", 0) as file:
    while True:
        file.write(b"x" * 65536)
