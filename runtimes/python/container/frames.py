"""What the service and the init say to one another: a letter, a length in four bytes, and as much payload. src/sandbox/docker/frames.ts."""

import json
import struct

# The service's.
SETUP, GIVE, FOLDER, OPEN, DATA, WARM, RUN, KILL, COLLECT, PING = b"s", b"g", b"m", b"o", b"d", b"w", b"r", b"k", b"c", b"p"
# The init's; DATA is both's.
MESSAGE, STDOUT, STDERR, FILE, LEFT_OUT, END = b"M", b"O", b"E", b"F", b"X", b"Z"

_HEAD = struct.Struct(">cI")
HEAD_BYTES = _HEAD.size


def pack(kind, payload=b""):
    return _HEAD.pack(kind, len(payload)) + payload


def json_of(**what):
    return json.dumps(what).encode()


def sha256():
    # Takes a while to import, and is needed for writable workspaces only.
    import hashlib

    return hashlib.sha256()


class Reader:
    """Cuts what comes in into frames."""

    def __init__(self):
        self.rest = bytearray()

    def feed(self, part):
        self.rest += part
        at = 0
        while len(self.rest) - at >= HEAD_BYTES:
            kind, length = _HEAD.unpack_from(self.rest, at)
            end = at + HEAD_BYTES + length
            if len(self.rest) < end:
                break
            yield kind, bytes(self.rest[at + HEAD_BYTES : end])
            at = end
        del self.rest[:at]
