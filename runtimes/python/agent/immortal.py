"""Makes what the server has imported immortal (PEP 683), so that its jobs share its pages.

Every use of an object writes to its reference count, and every first write to a page has the kernel copy it: a job that does no more
than call functions of the server's would copy some hundred pages. The count of an immortal object is never written to. What a
program can tell of it stands in docs/warm-starts.md.
"""

import ctypes
import gc
import struct
import sys
import types

# The count is the low half of the word that an object begins with, in these versions and with the interpreter's lock.
_POSSIBLE = (
    sys.implementation.name == "cpython"
    and (3, 12) <= sys.version_info[:2] <= (3, 13)
    and struct.calcsize("P") == 8
    and sys.byteorder == "little"
    and "t" not in sys.abiflags
)
# What gc.get_referents does not tell of.
_PARTS_OF_CODE = ("co_consts", "co_names", "co_filename", "co_name", "co_qualname", "co_linetable", "co_exceptiontable")


def make_all():
    """All that the garbage collector knows, and what can be reached from there, but for functions that are running."""
    if not _POSSIBLE:
        return
    immortal = sys.getrefcount(None)
    found = gc.get_objects()
    while found:
        # By type() alone: isinstance() asks an object for its class, and some, as weak proxies, answer with an error.
        mortal = {id(each): each for each in found if sys.getrefcount(each) != immortal and type(each) is not types.FrameType}
        for address in mortal:
            ctypes.c_uint32.from_address(address).value = immortal
        found = gc.get_referents(*mortal.values())
        for each in mortal.values():
            if type(each) is types.CodeType:
                found.extend(getattr(each, name) for name in _PARTS_OF_CODE)
