"""What a job's process does to itself, in this order, before it knows anything of the job.

It is forked with the server's rights: root of a user namespace that means an ordinary user to the host. It uses them to build
the job's world, and gives them all up before the first byte of the job's own is read. The server stays outside of that world.
"""

import os
import resource

import kernel

# What /proc shows of the machine and a job has no business with; the driver names those that exist here.
_NULL = "/dev/null"


def build_world(slot, masked):
    """Namespaces and mounts. `slot` is the folder, on the job's own tmpfs, that its writable places are folders of."""
    kernel.unshare(
        kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWNET | kernel.CLONE_NEWCGROUP
    )
    # Nothing mounted here is seen outside; what the launcher mounts on the slot's folders later comes in.
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_SLAVE)
    kernel.loopback_up()

    safe = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", "/proc", "proc", safe)
    kernel.mount("/proc/sys", "/proc/sys", None, kernel.MS_BIND)
    kernel.mount(None, "/proc/sys", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | safe)
    for path in masked:
        kernel.mount(_NULL, path, None, kernel.MS_BIND)
    kernel.mount("devpts", "/dev/pts", "devpts", kernel.MS_NOSUID | kernel.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")

    for folder, target in (
        ("tmp", "/tmp"),
        ("shm", "/dev/shm"),
        ("given/code", "/workspace/code"),
        ("given/input", "/workspace/input"),
        ("output", "/workspace/output"),
    ):
        kernel.mount(f"{slot}/{folder}", target, None, kernel.MS_BIND)
    for target in ("/workspace/code", "/workspace/input"):
        # A workspace that the program may write to is another mount, which comes over this one.
        kernel.mount(None, target, None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV)
    # Other jobs' folders, and this program.
    kernel.unmount("/jobs")
    kernel.unmount("/opt/agent")
    # A description of its own: the flags of the inherited one, as O_NONBLOCK, would be all jobs' at once.
    empty = os.open(_NULL, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)


def become(uid):
    """The job's own user, and that user alone in a user namespace of its own: 1000 inside, `uid` outside."""
    if uid != 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    # After a change of user the files of /proc/self belong to root; the maps must be writable.
    kernel.set_dumpable(True)
    # When the host runs short of memory, jobs go before anything else.
    _write("/proc/self/oom_score_adj", "500")
    kernel.unshare(kernel.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"1000 {uid} 1"), ("gid_map", f"1000 {uid} 1")):
        _write(f"/proc/self/{name}", text)


def _write(path, text):
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, text.encode())
    os.close(fd)


def give_up_rights(syscall_filter):
    kernel.empty_bounding_set()
    kernel.drop_capabilities()
    kernel.install_filter(syscall_filter)


def set_limits(limits):
    """Resource limits by their Linux numbers; soft and hard alike, so that they can't be raised again."""
    for number, limit in limits:
        resource.setrlimit(number, (limit, limit))
