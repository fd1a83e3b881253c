# Fills /dev/shm.
#: {"limits": {"diskBytes": 8388608}, "exit": "disk_limit", "printsLike": ""}
with open("/dev/shm/fill", "wb", 0) as file:
    while True:
        file.write(b"x" * 65536)
