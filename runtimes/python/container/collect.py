"""Sends what a job has left, as the job's own user and without any right, when nothing of the job is alive any more.

Only regular files with one name, opened without following a link on the way; bounded in number, depth, bytes and time. All else is
named with the reason why it was left out. The same rules, in the same words, as src/sandbox/collect.ts.
"""

import os
import stat
import time

import frames

_PART = 1 << 16
_FLUSH = 1 << 18


class _TimeIsUp(Exception):
    pass


class Collector:
    """`sent` is what the code folder held when the job came, for a writable workspace: from a path to size and SHA-256."""

    def __init__(self, bounds, sent):
        self.bounds = bounds
        self.sent = sent
        self.deadline = time.monotonic() + bounds["maxMs"] / 1000
        self.files = self.bytes = self.beyond = 0
        self.out = bytearray()

    def run(self):
        time_is_up = False
        try:
            self.top(b"/workspace/output", None)
            if self.sent is not None:
                self.top(b"/workspace/code", self.sent)
        except _TimeIsUp:
            time_is_up = True
        self.send(frames.END, frames.json_of(beyond=self.beyond, timeIsUp=time_is_up))
        self.flush()

    def send(self, kind, payload):
        self.out += frames.pack(kind, payload)
        if len(self.out) > _FLUSH:
            self.flush()

    def flush(self):
        while self.out:
            del self.out[: os.write(1, self.out[:_PART])]

    def leave_out(self, path, reason):
        self.send(frames.LEFT_OUT, path + b"\0" + reason.encode())

    def top(self, path, sent):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            return self.leave_out(os.path.basename(path), "is no folder any more")
        self.walk(fd, b"", 0, sent)

    def walk(self, folder, prefix, depth, sent):
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if time.monotonic() >= self.deadline:
                        raise _TimeIsUp
                    self.look_at(folder, entry, prefix + os.fsencode(entry.name), depth, sent)
        finally:
            os.close(folder)

    def look_at(self, folder, entry, path, depth, sent):
        if sent is None and self.files >= self.bounds["maxFiles"] and entry.is_file(follow_symlinks=False):
            # Not looked at any further: there may be a million.
            self.beyond += 1
            return
        try:
            before = os.stat(entry.name, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            return self.leave_out(path, f"can't be looked at ({_name_of(error)})")
        if stat.S_ISREG(before.st_mode):
            self.file(folder, entry.name, path, before, sent)
        elif not stat.S_ISDIR(before.st_mode):
            self.leave_out(path, f"is {_kind_of(before.st_mode)}")
        elif sent is None or entry.name != "__pycache__":
            if depth + 1 > self.bounds["maxDepth"]:
                return self.leave_out(path, f"lies more than {self.bounds['maxDepth']} folders deep")
            try:
                inner = _open(entry.name, os.O_DIRECTORY, folder)
            except OSError as error:
                return self.leave_out(path, f"can't be opened ({_name_of(error)})")
            self.walk(inner, path + b"/", depth + 1, sent)

    def file(self, folder, name, path, before, sent):
        try:
            fd = _open(name, os.O_NONBLOCK, folder)
        except OSError as error:
            return self.leave_out(path, f"can't be opened ({_name_of(error)})")
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or (found.st_ino, found.st_dev) != (before.st_ino, before.st_dev):
                return self.leave_out(path, "was exchanged for another one")
            if found.st_nlink != 1:
                return self.leave_out(path, "has more than one name (hard links)")
            if sent is not None and self.is_as_sent(fd, found.st_size, sent.get(path)):
                return None
            if self.files >= self.bounds["maxFiles"]:
                self.beyond += 1
                return None
            if self.bytes + found.st_size > self.bounds["maxBytes"]:
                return self.leave_out(path, f"would make more than {self.bounds['maxBytes']} bytes in all")
            self.files += 1
            self.bytes += found.st_size
            self.send(frames.FILE, found.st_size.to_bytes(8, "big") + path)
            left = found.st_size
            while left > 0:
                part = os.read(fd, min(_PART, left))
                if not part:
                    raise OSError(f"{path!r} has become shorter")
                left -= len(part)
                self.send(frames.DATA, part)
        finally:
            os.close(fd)

    def is_as_sent(self, fd, size, sent):
        if sent is None or sent[0] != size:
            return False
        digest = frames.sha256()
        while True:
            part = os.read(fd, _PART)
            if not part:
                break
            digest.update(part)
        os.lseek(fd, 0, os.SEEK_SET)
        return digest.digest() == sent[1]


def _open(name, flags, folder):
    flags |= os.O_RDONLY | os.O_NOFOLLOW
    try:
        return os.open(name, flags, dir_fd=folder)
    except PermissionError:
        # The job has closed it to itself, and this process is the same user. No link: nobody is left who could put one there.
        os.chmod(name, 0o700, dir_fd=folder)
        return os.open(name, flags, dir_fd=folder)


def _kind_of(mode):
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    if stat.S_ISFIFO(mode):
        return "a FIFO"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device"


def _name_of(error):
    import errno

    return errno.errorcode.get(error.errno, str(error.errno))
