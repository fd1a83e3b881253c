"""What the attack programs share: they tell what they got hold of, and at their end that they came there."""

import ctypes
import json
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
X64 = os.uname().machine == "x86_64"


def target():
    """What the tests have put up on the host to be found: a listener, sockets, files, processes."""
    return json.load(open("/workspace/input/target.json" if os.path.exists("/workspace") else os.environ["JOB_INPUT_DIR"] + "/target.json"))


def gets(what, act):
    """Broken when `act` gives anything but nothing."""
    try:
        got = act()
    except Exception:
        return
    if got:
        print("BROKEN", what, repr(got)[:200], flush=True)


def does(what, act):
    """Broken when `act` comes to its end."""
    try:
        act()
    except Exception:
        return
    print("BROKEN", what, flush=True)


def call(what, x64, arm64, *args):
    """A system call by its numbers; broken unless it is refused."""
    number = x64 if X64 else arm64
    if number is None:
        return
    ctypes.set_errno(0)
    result = libc.syscall(number, *args)
    if result != -1 or ctypes.get_errno() not in (1, 38):
        print("BROKEN", what, result, ctypes.get_errno(), flush=True)


def held():
    print("held", flush=True)
