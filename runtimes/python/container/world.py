"""What a job finds in its container: folders, users, and how its process gets into them.

Three users. The container starts as root with no more than the five capabilities that the first lines here need; the init goes on
as a user of its own that keeps four of them, for it must start, kill and read after the job's user. The job's process has none, in
no set, before it knows anything of the job. All that may be written to lies below /workspace, one tmpfs of limited size.
"""

import fcntl
import os
import resource
import signal

import kernel

ROOT = "/workspace"
CODE = ROOT + "/code"
OWN = ROOT + "/.runner"
BALLAST = OWN + "/ballast"
INIT_USER = 54320
_FONTS = "/opt/matplotlib"

_CAP_KILL, _CAP_SETGID, _CAP_SETUID, _CAP_SETPCAP = 5, 6, 7, 8

_PAGE = 4096


class World:
    def __init__(self, job_user, syscall_filter):
        self.job_user = job_user
        self.syscall_filter = syscall_filter
        self.writable = False

    def build(self):
        """To be called once, as root, before anything else."""
        if os.stat(ROOT).st_uid != INIT_USER:
            # The engine can't be told whose it is.
            os.chown(ROOT, INIT_USER, INIT_USER)
        # The container has no /dev/shm of its own: one limit holds over all that a job may write to. gVisor makes a folder there.
        if os.path.isdir("/dev/shm"):
            os.rmdir("/dev/shm")
        os.symlink(OWN + "/shm", "/dev/shm")
        kernel.become_with(INIT_USER, (_CAP_KILL, _CAP_SETGID, _CAP_SETUID, _CAP_SETPCAP))
        # A job's user could read neither this process's memory nor its descriptors anyhow, being another one.
        kernel.set_dumpable(False)
        os.umask(0o022)
        for folder in (CODE, ROOT + "/input", OWN, OWN + "/modules", OWN + "/agent"):
            os.mkdir(folder)
        for folder in (OWN + "/tmp", OWN + "/shm"):
            os.mkdir(folder)
            os.chmod(folder, 0o1777)
        self.make_jobs_folder(ROOT, "output")
        self.make_jobs_folder(OWN, "matplotlib")
        for name in os.listdir(_FONTS) if os.path.isdir(_FONTS) else ():
            if name.startswith("fontlist-"):
                with self.as_job():
                    os.symlink(f"{_FONTS}/{name}", f"{OWN}/matplotlib/{name}")
        # To be passed through, not to be looked into.
        os.chmod(OWN, 0o711)

    def make_jobs_folder(self, parent, name):
        # No process of the job's user exists yet that could use the moment.
        os.chmod(parent, 0o777)
        with self.as_job():
            os.mkdir(f"{parent}/{name}")
        os.chmod(parent, 0o755)

    def let_write_code(self):
        """The code folder becomes the job's own."""
        self.writable = True
        os.rmdir(CODE)
        self.make_jobs_folder(ROOT, "code")

    def as_job(self):
        return _As(self.job_user)

    def owner_of(self, path):
        """For whom a file that the service sends is written: the code of a writable workspace for the job, all else for the init."""
        return self.as_job() if self.writable and path.startswith("code/") else _As(None)

    def become_job(self, descriptors, limits):
        """In a forked process: gives up every right and every descriptor but those of `descriptors`, a map from target to source."""
        signal.set_wakeup_fd(-1)
        # What Python ignores or handles would be ignored by the program as well, or run in here.
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        moved = {target: fcntl.fcntl(source, fcntl.F_DUPFD, 100) for target, source in descriptors.items()}
        for target, source in moved.items():
            os.dup2(source, target)
        os.closerange(len(moved), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        os.setgroups([])
        os.setresgid(self.job_user, self.job_user, self.job_user)
        os.setresuid(self.job_user, self.job_user, self.job_user)
        kernel.set_dumpable(True)
        # When memory is short, the kernel is to take the job and not the process that would tell of it.
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
        kernel.empty_bounding_set()
        kernel.drop_capabilities()
        kernel.install_filter(self.syscall_filter)
        for number, limit in limits:
            resource.setrlimit(number, (limit, limit))
        os.umask(0o022)


class _As:
    """The job's user for what follows: files, folders and pipes are its own."""

    def __init__(self, user):
        self.user = user

    def __enter__(self):
        if self.user is not None:
            os.setegid(self.user)
            os.seteuid(self.user)

    def __exit__(self, *_):
        if self.user is not None:
            os.seteuid(INIT_USER)
            os.setegid(INIT_USER)


def reserve(count):
    """Takes room away that is meant for files which the service will send: the job is never to have it."""
    fd = os.open(BALLAST, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.posix_fallocate(fd, 0, count)
    os.close(fd)


def release(count):
    """Gives back as much of what was reserved as is needed now."""
    if os.path.exists(BALLAST):
        os.truncate(BALLAST, max(0, os.stat(BALLAST).st_size - (count + _PAGE - 1) // _PAGE * _PAGE))


class Room:
    """Whether all that a job may write is used up: so few bytes are left, or so many files there, as only beyond its limit."""

    def __init__(self, full_bytes, full_inodes):
        self.full_bytes = full_bytes
        self.full_inodes = full_inodes
        # gVisor has another one there.
        self.places = [ROOT, "/tmp"] if os.stat("/tmp").st_dev != os.stat(ROOT).st_dev else [ROOT]

    def is_full(self):
        return any(self._is_full(os.statvfs(place)) for place in self.places)

    def _is_full(self, state):
        return state.f_bavail * state.f_frsize < self.full_bytes or state.f_files - state.f_ffree > self.full_inodes


class Memory:
    """What the container's control group tells from inside; nothing where it has none or isn't shown one (gVisor)."""

    def __init__(self, held):
        if not held:
            self.kills = self.peak = self.used = None
            return
        self.kills = _first(("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"))
        self.peak = _first(("/sys/fs/cgroup/memory.peak", "/sys/fs/cgroup/memory/memory.max_usage_in_bytes"))
        self.used = _first(("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes"))

    def oom_kills(self):
        for line in _read(self.kills).splitlines():
            name, _, number = line.partition(" ")
            if name == "oom_kill":
                return int(number)
        return 0

    def peak_bytes(self):
        return int(_read(self.peak) or 0)

    def used_bytes(self):
        return int(_read(self.used) or 0)


def _first(paths):
    for path in paths:
        try:
            return os.open(path, os.O_RDONLY)
        except OSError:
            pass
    return None


def _read(fd):
    try:
        return "" if fd is None else os.pread(fd, 4096, 0).decode()
    except OSError:
        return ""
