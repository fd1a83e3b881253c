# Memory in pipes and sockets that nobody reads.
#: {"limits": {"memoryBytes": 67108864, "pids": 20}, "printsLike": "^(BOUNDED\nheld\n|)$", "exitAmong": ["exited 0", "oom"]}
import fcntl
import os
import socket

from attack import held

try:
    kept = []
    while True:
        pair = socket.socketpair()
        for end in pair:
            end.setblocking(False)
            try:
                while True:
                    end.send(b"x" * 65536)
            except BlockingIOError:
                pass
        kept.append(pair)
        out = os.pipe()
        fcntl.fcntl(out[1], 1031, 1 << 20)  # F_SETPIPE_SZ
        os.set_blocking(out[1], False)
        try:
            while True:
                os.write(out[1], b"x" * 65536)
        except BlockingIOError:
            pass
except OSError:
    print("BOUNDED")
held()
