"""The first process of a job's container: starts the job, passes on what it says, ends it, hands out what it left.

It outlives the job's processes and no service: when its standard input ends, or nothing is heard from there for a while, it ends and
with it, being process 1, whatever else is in the container. Standard output is its line to the service (frames.py). A job has
neither: its streams are pipes that this process reads. Being another user, a job can neither signal nor trace it nor look into it.

What it reads of a job's are the bytes of those pipes, which it does not look at, and its exit status. The job's files are read by
a process of the job's own user (collect.py).
"""

import base64
import json
import os
import resource
import select
import signal
import time

import collect
import frames
import network as own_network
import world

# Bytes for the service that are not taken yet, after which the job is made to wait.
_HIGH_WATER = 1 << 18
_PART = 1 << 16
_WATCH_MS = 50
_IDLE_MS = 5000
# The service says something every few seconds.
_SILENCE_S = 60


class Init:
    def __init__(self):
        self.out = bytearray()
        self.reader = frames.Reader()
        self.heard_at = time.monotonic()
        self.file = self.digest = self.path = None
        self.sent = {}
        self.job = self.status = self.control = self.ready_fd = None
        self.running = self.told = False
        self.pipes = {}
        self.ready = b""
        self.ahead_us = self.before_bytes = 0
        self.seen = set()

    def serve(self):
        self.woken, wake = os.pipe()
        for fd in (self.woken, wake, 1):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # Python's own would raise KeyboardInterrupt in here.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wake)
        self.say("up")
        while True:
            self.turn()

    def turn(self):
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self.woken, select.POLLIN)
        if self.out:
            poll.register(1, select.POLLOUT)
        if len(self.out) < _HIGH_WATER:
            for fd in self.pipes:
                poll.register(fd, select.POLLIN)
        if self.ready_fd is not None:
            poll.register(self.ready_fd, select.POLLIN)
        for fd, _ in poll.poll(_WATCH_MS if self.running else _IDLE_MS):
            if fd == 0:
                self.hear()
            elif fd == 1:
                self.flush()
            elif fd == self.woken:
                os.read(self.woken, 4096)
                self.reap()
            elif fd in self.pipes:
                self.pass_on(fd)
            elif fd == self.ready_fd:
                self.hear_ready()
        if self.running:
            self.watch()
        self.tell_end()
        if time.monotonic() - self.heard_at > _SILENCE_S:
            os._exit(0)

    # --- to the service

    def send(self, kind, payload):
        self.out += frames.pack(kind, payload)
        self.flush()

    def say(self, kind, **what):
        self.send(frames.MESSAGE, frames.json_of(kind=kind, **what))

    def flush(self):
        try:
            while self.out:
                del self.out[: os.write(1, self.out[:_PART])]
        except BlockingIOError:
            pass

    # --- from the service

    def hear(self):
        part = os.read(0, _PART)
        if not part:
            os._exit(0)
        self.heard_at = time.monotonic()
        for kind, payload in self.reader.feed(part):
            try:
                self.obey(kind, payload)
            except Exception as error:  # noqa: BLE001 - told, and the container is of no use any more
                self.say("failed", text=f"{type(error).__name__}: {error}")

    def obey(self, kind, payload):
        if kind == frames.DATA:
            self.write(payload)
        elif kind == frames.OPEN:
            self.open(payload)
        elif kind == frames.FOLDER:
            path = os.fsdecode(payload)
            with self.world.owner_of(path):
                os.mkdir(f"{world.ROOT}/{path}")
        elif kind == frames.SETUP:
            self.set_up(**json.loads(payload))
        elif kind == frames.GIVE:
            given = json.loads(payload)
            world.release(given["bytes"])
            if given["writable"]:
                self.world.let_write_code()
        elif kind == frames.WARM:
            self.warm(**json.loads(payload))
        elif kind == frames.RUN:
            self.close_file()
            self.run(**json.loads(payload))
        elif kind == frames.KILL:
            if self.running:
                self.end()
        elif kind == frames.COLLECT:
            self.collect(json.loads(payload))

    def set_up(self, user, filter, fullBytes, fullInodes, memory, reserve, network):
        if network:
            own_network.prove()
        self.world = world.World(user, base64.b64decode(filter))
        self.world.build()
        self.room = world.Room(fullBytes, fullInodes)
        self.memory = world.Memory(memory)
        if reserve:
            world.reserve(reserve)

    def open(self, payload):
        self.close_file()
        mode, path = payload[:2], os.fsdecode(payload[2:])
        with self.world.owner_of(path):
            self.file = os.open(f"{world.ROOT}/{path}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.fchmod(self.file, int.from_bytes(mode, "big"))
        self.path = payload[2:]
        self.size = 0
        self.digest = frames.sha256() if self.world.writable and path.startswith("code/") else None

    def write(self, part):
        self.size += len(part)
        if self.digest is not None:
            self.digest.update(part)
        left = memoryview(part)
        while left:
            left = left[os.write(self.file, left) :]

    def close_file(self):
        if self.file is None:
            return
        os.close(self.file)
        self.file = None
        if self.digest is not None:
            self.sent[self.path[len(b"code/") :]] = (self.size, self.digest.digest())

    # --- the job

    def make_pipes(self):
        with self.world.as_job():
            # The job's own, so that it may open /dev/stdout.
            out, err = os.pipe(), os.pipe()
        for (fd, _), kind in ((out, frames.STDOUT), (err, frames.STDERR)):
            os.set_blocking(fd, False)
            self.pipes[fd] = kind
        return out[1], err[1]

    def fork(self, command, environment, descriptors, limits):
        """Starts a program as the job's user, with these descriptors and no others."""
        pid = os.fork()
        if pid != 0:
            return pid
        try:
            self.world.become_job(descriptors, limits)
            if 4 not in descriptors:
                os.set_inheritable(3, False)
            os.chdir(world.CODE)
            os.execvpe(command[0], command, environment)
        except BaseException as error:  # noqa: B036 - whatever it is, the service is told
            os.write(3, f"{type(error).__name__}: {error}".encode())
        os._exit(125)

    def warm(self, command, environment):
        """An interpreter ahead of its job: it imports, says so, and waits for the job's words."""
        self.close_file()
        self.before_bytes = self.memory.used_bytes()
        nothing = os.open(os.devnull, os.O_RDONLY)
        out, err = self.make_pipes()
        self.ready_fd, ready = os.pipe()
        words, self.control = os.pipe()
        self.job = self.fork(command, environment, {0: nothing, 1: out, 2: err, 3: ready, 4: words}, [])
        for fd in (nothing, out, err, ready, words):
            os.close(fd)

    def hear_ready(self):
        part = os.read(self.ready_fd, _PART)
        self.ready += part
        if part:
            return
        os.close(self.ready_fd)
        self.ready_fd = None
        verb, _, rest = self.ready.decode(errors="replace").partition(" ")
        if verb == "ready":
            used, *names = rest.split(" ")
            self.ahead_us = int(used)
            self.say("ready", imported=names)
        else:
            self.say("failed", text=f"{verb} {rest}".strip() or "the interpreter ended before it was ready")

    def run(self, command, environment, limits, split, stdin, words):
        self.room_is_for_the_job()
        if self.control is not None:
            self.started_at = time.monotonic()
            left = memoryview(words.encode("utf-8", "surrogatepass"))
            while left:
                left = left[os.write(self.control, left) :]
            os.close(self.control)
            self.control = None
        else:
            self.before_bytes = self.memory.used_bytes()
            given = _file_of(stdin)
            out, err = self.make_pipes()
            failed, failing = os.pipe()
            self.started_at = time.monotonic()
            self.job = self.fork(command, environment, {0: given, 1: out, 2: err if split else out, 3: failing}, limits)
            for fd in (given, out, err, failing):
                os.close(fd)
            # Ends when the program has taken the place of our own code.
            text = os.read(failed, 4096).decode(errors="replace")
            os.close(failed)
            if text:
                self.job = None
                return self.say("failed", text=text)
        self.running = True
        self.say("started")

    def room_is_for_the_job(self):
        # Files of the agent's: it has read them.
        for name in os.listdir(world.OWN + "/agent"):
            os.unlink(f"{world.OWN}/agent/{name}")

    def pass_on(self, fd):
        try:
            part = os.read(fd, _PART)
        except BlockingIOError:
            return
        if part:
            self.send(self.pipes[fd], part)
        else:
            os.close(fd)
            del self.pipes[fd]

    def watch(self):
        """What has no event of its own."""
        for kind, seen in (("full", self.room.is_full), ("oom", lambda: self.memory.oom_kills() > 0)):
            if kind not in self.seen and seen():
                self.seen.add(kind)
                self.say(kind)

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.job:
                self.status = status
                if self.running:
                    self.end()

    def end(self):
        """Kills all that is left of the job. Afterwards nothing but this process is alive in here."""
        wall = time.monotonic() - self.started_at
        self.running = False
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        while True:
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                break
            if pid == self.job:
                self.status = status
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.report = {
            "status": self.status,
            "wallMs": wall * 1000,
            "cpuMs": (used.ru_utime + used.ru_stime) * 1000 - self.ahead_us / 1000,
            "maxRssBytes": max(used.ru_maxrss * 1024, self.memory.peak_bytes() - self.before_bytes),
            "oomKills": self.memory.oom_kills(),
            "full": self.room.is_full(),
        }

    def tell_end(self):
        # The last words first: when the end is told, there is no more to come.
        if self.status is not None and not self.pipes and not self.told and not self.running and self.job is not None:
            self.told = True
            self.say("ended", **getattr(self, "report", {"status": self.status}))

    def collect(self, bounds):
        os.set_blocking(1, True)
        while self.out:
            self.flush()
        pid = os.fork()
        if pid == 0:
            try:
                self.world.become_job({0: 0, 1: 1, 2: 2}, [])
                collect.Collector(bounds, self.sent if self.world.writable else None).run()
                os._exit(0)
            finally:
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        os.set_blocking(1, False)
        self.heard_at = time.monotonic()
        if status != 0:
            self.say("failed", text=f"collecting ended with status {status}")


def _file_of(text):
    """What a program finds on its standard input; it may open it once more, as /dev/stdin."""
    if not text:
        return os.open(os.devnull, os.O_RDONLY)
    fd = os.memfd_create("stdin")
    left = memoryview(text.encode("utf-8", "surrogatepass"))
    while left:
        left = left[os.write(fd, left) :]
    os.fchmod(fd, 0o444)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def main():
    Init().serve()
