# Attributes beside files, where some file systems count nothing; ours counts them, and whoever watches the room may see it full.
#: {"exitAmong": ["exited 0", "disk_limit"], "printsLike": "^(held\\n?)?$"}
import os

from attack import does, held

open("/tmp/f", "w").close()
does("attributes", lambda: [os.setxattr("/tmp/f", f"user.{n}", b"x" * 60_000) for n in range(10_000)])
does("trusted", lambda: os.setxattr("/tmp/f", "trusted.x", b"x"))
does("capability", lambda: os.setxattr("/tmp/f", "security.capability", b"\1\0\0\2\xff\xff\xff\xff" + b"\0" * 12))
held()
