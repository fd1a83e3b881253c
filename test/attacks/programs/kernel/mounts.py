# Mounts, unmounts and remounts, by the old calls and the new.
import ctypes

from attack import call, held

call("mount tmpfs", 165, 40, b"none", b"/tmp", b"tmpfs", 0, 0)
call("mount proc", 165, 40, b"proc", b"/tmp", b"proc", 0, 0)
call("bind", 165, 40, b"/", b"/tmp", 0, 4096, 0)
call("remount writable", 165, 40, b"/", b"/", 0, 32 | 4096, 0)
for path in (b"/proc", b"/tmp", b"/proc/sys", b"/usr", b"/proc/kcore", b"/dev/shm"):
    call(f"umount {path}", 166, 39, path, 2)
call("fsopen", 430, 430, b"tmpfs", 0)
call("open_tree", 428, 428, -100, b"/", 1)
call("move_mount", 429, 429, 3, b"", -100, b"/tmp", 4)
call("fspick", 433, 433, -100, b"/", 0)
call("mount_setattr", 442, 442, -100, b"/", 0, 0, 0)
call("pivot_root", 155, 41, b"/tmp", b"/tmp")
call("chroot", 161, 51, b"/tmp")
held()
