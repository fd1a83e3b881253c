"""The system calls that Python has no word for, through ctypes. Each raises OSError with what it was about."""

import _socket
import ctypes
import errno
import fcntl
import os
import platform
import struct

_libc = ctypes.CDLL(None, use_errno=True)
# Keeps the interpreter's lock: nothing of Python's may run between the two returns of clone.
_libc_locked = ctypes.PyDLL(None, use_errno=True)

_ARM = platform.machine() == "aarch64"
_SYS_clone = 220 if _ARM else 56
_SYS_capset = 91 if _ARM else 126
_SYS_close_range = 436

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
_CLONE_PARENT = 0x00008000
_SIGCHLD = 17

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_SLAVE = 32, 4096, 16384, 1 << 19
_MNT_DETACH = 2

_PR_SET_DUMPABLE, _PR_SET_NAME, _PR_SET_SECCOMP = 4, 15, 22
_PR_CAPBSET_DROP, _PR_SET_SECUREBITS, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 24, 28, 38, 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_PR_SET_KEEPCAPS = 8
_SECCOMP_MODE_FILTER = 2
# Version 3, of this process.
_CAPABILITY_HEADER = struct.pack("=Ii", 0x20080522, 0)
# NOROOT, NO_SETUID_FIXUP, KEEP_CAPS off, NO_CAP_AMBIENT_RAISE, each with its lock (capabilities(7)).
_SECUREBITS = 0xEF


def _check(result, what):
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def unshare(flags):
    _check(_libc.unshare(flags), "unshare")


def setns(fd, kind):
    _check(_libc.setns(fd, kind), "setns")


def clone_sibling():
    """Forks a child of the caller's parent. For a process that is small and has one thread: no handlers run."""
    return _check(_libc_locked.syscall(_SYS_clone, _CLONE_PARENT | _SIGCHLD, 0, 0, 0, 0), "clone")


def close_range(first, last):
    """Closes the descriptors from `first` to `last`. os.closerange of Python 3.9 asks for each number, which takes 0.1 s."""
    _check(_libc.syscall(_SYS_close_range, ctypes.c_uint(first), ctypes.c_uint(last), 0), "close_range")


def close_all_but(*kept):
    """Closes every descriptor from 3 on that is not named. What is inherited by mistake is another job's."""
    low = 3
    for fd in sorted(kept):
        if fd > low:
            close_range(low, fd - 1)
        low = fd + 1
    close_range(low, 0xFFFFFFFF)


def mount(source, target, kind=None, flags=0, options=None):
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
    _check(_libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]), f"mount {target}")


def unmount(target):
    _check(_libc.umount2(os.fsencode(target), _MNT_DETACH), f"umount {target}")


_libc.prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)


def _prctl(what, first=0, second=0):
    return _check(_libc.prctl(what, first, second, 0, 0), f"prctl {what}")


def set_dumpable(dumpable):
    _prctl(_PR_SET_DUMPABLE, int(dumpable))


def set_name(name):
    """The name that ps and top show: at most 15 bytes."""
    buffer = ctypes.create_string_buffer(os.fsencode(name)[:15])
    _prctl(_PR_SET_NAME, ctypes.addressof(buffer))


def empty_bounding_set():
    """What no exec of this process, or of what comes of it, can give back. A new user namespace fills it again."""
    for capability in range(64):
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno != errno.EINVAL or capability == 0:
                raise
            return  # It is one more than the kernel has.


def drop_capabilities():
    """Gives up all that are held, for good. With an empty bounding set there are none to be had by any exec, either."""
    for what, how in ((_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL), (_PR_SET_SECUREBITS, _SECUREBITS)):
        try:
            _prctl(what, how)
        except OSError as error:
            # A kernel that has neither, as gVisor's, gives no capability back by them.
            if error.errno != errno.EINVAL:
                raise
    _check(_libc.syscall(_SYS_capset, _CAPABILITY_HEADER, bytes(24)), "capset")
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def become_with(uid, capabilities):
    """From root to another user, keeping only the capabilities of these numbers."""
    _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    held = sum(1 << number for number in capabilities)
    _check(_libc.syscall(_SYS_capset, _CAPABILITY_HEADER, struct.pack("=6I", held, held, 0, 0, 0, 0)), "capset")


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def install_filter(instructions):
    """The system-call filter of this process and all that come of it: classic BPF, 8 bytes an instruction."""
    program = _Program(len(instructions) // 8, instructions)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))


def loopback_up():
    """Brings `lo` of the current network namespace up (netdevice(7), SIOCSIFFLAGS with IFF_UP)."""
    any_socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        fcntl.ioctl(any_socket.fileno(), 0x8914, struct.pack("16sH14x", b"lo", 1))
    finally:
        any_socket.close()
