"""The first process of each job's namespace, made small and without rights before the job exists.

A process namespace needs a first process that takes in orphans; when it dies, the kernel kills whatever else is in there.
Forked from the server after its imports, it would cost as much as the job itself. So the server forks a maker before it
imports anything, and the maker forks the inits, as children of the server's: it alone waits for them.
"""

import os
import signal

import kernel


def start_maker():
    """Forks the maker. Returns its process id, and a function that makes one init and returns the id of that."""
    ask_read, ask_write = os.pipe()
    answer_read, answer_write = os.pipe()
    maker = os.fork()
    if maker == 0:
        try:
            kernel.close_all_but(ask_read, answer_write)
            _make_inits(ask_read, answer_write)
        finally:
            os._exit(1)
    os.close(ask_read)
    os.close(answer_write)

    def make():
        os.write(ask_write, b"+")
        answer = os.read(answer_read, 16)
        if not answer:
            raise RuntimeError("the maker of inits is gone")
        pid = int(answer)
        if pid < 0:
            raise OSError(-pid, os.strerror(-pid))
        return pid

    return maker, make


def _make_inits(ask, answer):
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    with open("/opt/agent/seccomp.bpf", "rb") as file:
        syscall_filter = file.read()
    # What the inits are to have, and can have from here without the work: the maker itself needs what it holds, and never execs.
    kernel.set_name("init")
    kernel.set_dumpable(False)
    kernel.empty_bounding_set()
    # Python's own handler would let the job raise KeyboardInterrupt in there.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Blocked rather than handled: asked for below, and nothing else that the job sends to process 1 reaches it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while os.read(ask, 1):
        try:
            kernel.unshare(kernel.CLONE_NEWPID)
            pid = kernel.clone_sibling()
        except OSError as error:
            # There may be room again for the next one.
            pid = -error.errno
        if pid == 0:
            try:
                _be_init(syscall_filter)
            finally:
                os._exit(1)
        # Back, or the namespace of the next one would be inside of this one's.
        kernel.setns(own, kernel.CLONE_NEWPID)
        os.write(answer, b"%d\n" % pid)


def _be_init(syscall_filter):
    kernel.close_all_but()
    kernel.drop_capabilities()
    kernel.install_filter(syscall_filter)
    while True:
        signal.sigwait({signal.SIGCHLD})
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            pass

