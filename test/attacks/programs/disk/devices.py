# Writes where a device might be a disk, or might be made one.
import os
import stat

from attack import does, held

for name in ("sda", "vda", "nvme0n1", "loop0", "loop-control", "fuse", "mapper/control", "ram0", "btrfs-control"):
    does(name, lambda: open("/dev/" + name, "r+b", 0))
does("make in /tmp", lambda: os.mknod("/tmp/disk", 0o600 | stat.S_IFBLK, os.makedev(254, 0)))
does("make in /dev", lambda: os.mknod("/dev/shm/disk", 0o600 | stat.S_IFBLK, os.makedev(8, 0)))
does("a file in /dev", lambda: open("/dev/x", "w"))
held()
