"""The fork server: a Python with everything imported, of which each job gets a copy that is isolated before it knows the job.

Started by libexec/sandbox-launch.pl inside bubblewrap, as process 1 of a process namespace and as root of a user namespace that
means an ordinary user to the host. It never reads anything of a job's (what it reads, later jobs would inherit): a job's words go
straight into the job's own pipe. Its only input is the service's, one line each:

  fork SLOT UID     makes a job's process, with user id UID (as seen from here) and the folder /jobs/SLOT
  opened SLOT       the service has opened the pipes; what is not closed here keeps them from ending
  kill SLOT         ends the job and all that came of it
  ping N            are you well?

and what it says, one line each:

  up MODULE ...     everything is imported; the names, without packages' parts, of all that is
  born SLOT PID OUT ERR CONTROL    the process, to be put into its cgroups; pipes to be opened as /proc/<server>/fd/N
  ready SLOT CPU_US DATA_KB        isolated, warmed up, waiting on its control pipe
  ended SLOT STATUS CPU_US MAXRSS_KB BEGUN    nothing of the job is alive; STATUS as wait(2) gives it; BEGUN 0 if it never got its words
  gone SLOT         nor its init: the cgroups are empty
  failed SLOT TEXT
  pong N
"""

import os
import sys

# The folder of this file must not be where jobs' imports look.
sys.path.pop(0)
sys.path.append("/opt/agent")
import confine  # noqa: E402
import immortal  # noqa: E402
import init  # noqa: E402
import kernel  # noqa: E402
import program  # noqa: E402

sys.path.pop()

import _signal  # noqa: E402
import errno  # noqa: E402
import fcntl  # noqa: E402
import gc  # noqa: E402
import json  # noqa: E402
import resource  # noqa: E402
import select  # noqa: E402
import signal  # noqa: E402

SERVICE = 4
# Ends when the launcher does.
LAUNCHER = 6
# The interpreter specialises what has run some times, and then leaves it alone.
REHEARSALS = 16


class Forked(BaseException):
    """Leaves the server's frames behind in a process that was forked for a job: what they hold is freed, and a program's own stack
    begins as near to the bottom as can be. Its arguments are those of become_job."""


class Slot:
    """A job's process and its init, from birth until both have been waited for."""

    def __init__(self, name):
        self.name = name
        self.job = self.init = self.status_fd = self.mounts_fd = None
        self.pipes = []
        self.alive = set()
        self.told = self.ready = False
        self.status = 0
        self.cpu_us = self.max_rss_kb = 0


class Server:
    def __init__(self, settings):
        self.settings = settings
        with open("/opt/agent/seccomp.bpf", "rb") as file:
            self.syscall_filter = file.read()
        self.maker, self.make_init = init.start_maker()
        self.slots = {}
        self.owners = {}
        self.rest = b""

    def serve(self):
        self.own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        woken, wake = os.pipe()
        for fd in (woken, wake):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake)
        poll = select.poll()
        poll.register(SERVICE, select.POLLIN)
        poll.register(LAUNCHER, select.POLLIN)
        poll.register(woken, select.POLLIN)
        self.poll = poll
        self.say("up", *sorted({name.partition(".")[0] for name in sys.modules}))
        while True:
            for fd, _ in poll.poll():
                if fd == SERVICE:
                    self.hear()
                elif fd == woken:
                    os.read(woken, 4096)
                    self.reap()
                elif fd == LAUNCHER:
                    os._exit(0)
                else:
                    self.pass_on(fd)

    def say(self, *words):
        os.write(SERVICE, (" ".join(map(str, words)) + "\n").encode())

    def hear(self):
        part = os.read(SERVICE, 65536)
        if not part:
            # The service is gone, and so is everything in this process namespace.
            os._exit(0)
        *lines, self.rest = (self.rest + part).split(b"\n")
        for line in lines:
            verb, name, *words = line.decode().split(" ")
            if verb == "ping":
                self.say("pong", name)
            elif verb == "fork":
                self.fork(name, int(words[0]))
            elif name in self.slots:
                slot = self.slots[name]
                if verb == "opened":
                    self.close_pipes(slot)
                elif verb == "kill":
                    os.kill(slot.init, signal.SIGKILL)

    def close_pipes(self, slot):
        for fd in slot.pipes:
            os.close(fd)
        slot.pipes = []

    def fork(self, name, uid):
        slot = Slot(name)
        pipes = []
        try:
            for _ in range(4):
                pipes.append(os.pipe())
            out, err, control, status = pipes
            for pipe in (out, err):
                # The program may open /dev/stdout again.
                os.fchown(pipe[1], uid, uid)
            slot.init = self.make_init()
            self.owners[slot.init] = slot
            slot.alive.add(slot.init)
            slot.job = self.fork_into(slot.init)
        except OSError as error:
            # Out of memory, processes or descriptors: no reason to take the jobs along that are running.
            for fd in sum(pipes, ()):
                os.close(fd)
            self.say("failed", name, f"fork: {error}")
            slot.told = True
            if slot.init is None:
                self.say("gone", name)
            else:
                # Said to be gone when it has been waited for.
                self.slots[name] = slot
                os.kill(slot.init, signal.SIGKILL)
            return
        if slot.job == 0:
            raise Forked(name, uid, self.settings, self.syscall_filter, out[1], err[1], status[1], control[0])
        self.owners[slot.job] = slot
        slot.alive.add(slot.job)
        slot.pipes = [*out, *err, *control]
        slot.status_fd = status[0]
        os.close(status[1])
        self.poll.register(slot.status_fd, select.POLLIN)
        self.slots[name] = slot
        self.say("born", name, slot.job, out[0], err[0], control[1])

    def fork_into(self, init_pid):
        """os.fork, with the child in the process namespace of that init. os.fork and nothing less: what packages do at a fork, as
        seeding their random numbers, must be done."""
        namespace = os.open(f"/proc/{init_pid}/ns/pid", os.O_RDONLY)
        pid = -1
        try:
            kernel.setns(namespace, kernel.CLONE_NEWPID)
            pid = os.fork()
        finally:
            if pid != 0:
                kernel.setns(self.own_pids, kernel.CLONE_NEWPID)
                os.close(namespace)
        return pid

    def pass_on(self, fd):
        """What the job's process says of itself until it is ready; nothing of it is the job's yet."""
        slot = next((each for each in self.slots.values() if each.status_fd == fd), None)
        if slot is None:
            return  # Its end was heard of first.
        text = os.read(fd, 4096).decode(errors="replace").strip()
        self.poll.unregister(fd)
        verb, _, rest = text.partition(" ")
        if verb != "ready":
            os.close(fd)
            slot.status_fd = None
        else:
            slot.ready = True
            # The last to let go of a mount namespace takes it apart, which takes a while; that is not to be the job at its end.
            try:
                slot.mounts_fd = os.open(f"/proc/{slot.job}/ns/mnt", os.O_RDONLY)
            except OSError:
                pass  # It has died since.
        self.say(verb or "failed", slot.name, rest or "it died before it was ready")

    def reap(self):
        while self.owners:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.maker:
                # Without it there are no more jobs to be had from here.
                os._exit(1)
            slot = self.owners.pop(pid, None)
            if slot is not None:
                self.bury(slot, pid, status, usage)

    def bury(self, slot, pid, status, usage):
        slot.alive.discard(pid)
        slot.cpu_us += round((usage.ru_utime + usage.ru_stime) * 1e6)
        slot.max_rss_kb = max(slot.max_rss_kb, usage.ru_maxrss)
        if pid == slot.job:
            slot.status = status
            if slot.alive:
                # Whatever the program has left running is the init's by now. Where nothing is, and nothing was that used CPU time, the
                # end can be told at once.
                if not children_of(slot.init) and not has_buried(slot.init):
                    self.end(slot)
                os.kill(slot.init, signal.SIGKILL)
        if not slot.alive:
            self.end(slot)
            del self.slots[slot.name]
            self.say("gone", slot.name)

    def end(self, slot):
        if slot.told:
            return
        slot.told = True
        self.close_pipes(slot)
        if slot.status_fd is not None and not slot.ready:
            self.pass_on(slot.status_fd)
        begun = 0
        if slot.status_fd is not None:
            begun = len(os.read(slot.status_fd, 1))
            os.close(slot.status_fd)
            slot.status_fd = None
        self.say("ended", slot.name, slot.status, slot.cpu_us, slot.max_rss_kb, begun)
        if slot.mounts_fd is not None:
            os.close(slot.mounts_fd)


def become_job(name, uid, settings, syscall_filter, out, err, status, control):
    """In the forked process: isolated, without rights, warmed up, it waits for its job and returns the job's words."""
    signal.set_wakeup_fd(-1)
    # Not signal.signal: it looks for the names of the numbers.
    _signal.signal(signal.SIGCHLD, _signal.SIG_DFL)
    # 1 and 2 are the program's, 3 tells the service, 4 is where the job's words come from. All else may be other jobs'.
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (out, err, status, control)]
    for target, fd in zip((1, 2, 3, 4), moved):
        os.dup2(fd, target)
    kernel.close_all_but(3, 4)
    os.setsid()

    # The service puts this process into its cgroups first: the cgroup namespace is to begin there.
    if os.read(4, 1) != b"a":
        os._exit(125)
    confine.build_world(f"/jobs/{name}", settings["masked"])
    confine.become(uid)
    os.umask(0o022)
    confine.give_up_rights(syscall_filter)

    program.warm_up()
    program.get_ready()
    json.loads('{"entry": "main.py", "args": [], "env": {"a": "b"}, "limits": [[1, 2]], "split": true, "threads": 1.5}')
    usage = resource.getrusage(resource.RUSAGE_SELF)
    os.write(3, b"ready %d %d" % (round((usage.ru_utime + usage.ru_stime) * 1e6), data_kb()))

    words = program.wait_for_words(4)
    # Read when it has ended: one that was killed before this has not run, and another can in its place.
    os.write(3, b"b")
    kernel.close_range(3, 4)
    job = json.loads(words)
    confine.set_limits(job["limits"])
    program.take_place(job)
    return job


def give_up(error):
    """Tells the service why there will be no job here."""
    text = f"failed {type(error).__name__}: {error}".replace("\n", " ")
    try:
        os.write(3, text.encode())
    except OSError:
        pass
    os._exit(125)


def children_of(pid):
    """Living or not yet waited for. Nothing is reported missing: who has no children can't get any from elsewhere."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


def has_buried(init_pid):
    """Whether that init has waited for processes which used CPU time: proc(5), cutime and cstime."""
    with open(f"/proc/{init_pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[13:15] != ["0", "0"]


def data_kb():
    """What this process has of its own by now, with its stack; a limit on memory of its program comes on top."""
    fd = os.open("/proc/self/statm", os.O_RDONLY)
    pages = int(os.read(fd, 256).split()[5])
    os.close(fd)
    return pages * (resource.getpagesize() // 1024)


def import_all(names):
    for name in names:
        try:
            __import__(name)
        except ImportError as error:
            print(f"not imported ahead: {name}: {error}", file=sys.stderr)


def main():
    settings = json.loads(sys.argv[1])
    kernel.set_dumpable(False)
    server = Server(settings)
    import_all(settings["imports"])
    # What packages import only when they are used.
    program.warm_up()
    for _ in range(REHEARSALS):
        program.rehearse()
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        print(f"{threads} threads after importing: such a process can't be forked safely", file=sys.stderr)
        os._exit(errno.EDEADLK)
    for name in ("confine", "ending", "immortal", "init", "kernel", "program"):
        sys.modules.pop(name, None)
    # What is there now stays as it is: later collections leave it alone, so that its pages stay shared.
    gc.collect()
    gc.disable()
    immortal.make_all()
    gc.freeze()
    server.serve()


try:
    main()
except Forked as forked:
    birth = forked.args
try:
    birth = become_job(*birth)
except BaseException as error:  # noqa: B036
    give_up(error)
# Here and not in a function: each would be one more in a program's stack.
with program.Run(birth) as this:
    exec(this.code, this.namespace)
this.end()
