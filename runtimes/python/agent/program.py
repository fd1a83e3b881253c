"""Runs a script in this process as `python main.py` would have in one of its own.

Follows Modules/main.c and Python/pylifecycle.c: what a program can see of its start (argv, path, __main__, the standard streams) is
to be the same; ending.py does it for its end. What can't be, docs/warm-starts.md tells.
"""

import builtins
import ctypes
import gc
import importlib.machinery
import io
import os
import sys
import threading
import time
import types
import warnings

import ending

_SOURCE = "/workspace/code"

# What programs do first. The server runs all of it, for the interpreter writes to code that it has seldom run, and not to what it
# knows. A job's process runs no more than every program does: what it touches, the kernel copies.
_ALL_FIRST_STEPS = """
import sys, os
class C:
    def f(self, x=1, *rest, **more):
        return [f"{each}" for each in (x, *rest)]
try:
    C().f(1, "2", a={3: 4.0})
    raise ValueError(1)
except ValueError as error:
    str(error)
with open(os.devnull, "w") as file:
    print("x", 1, file=file, flush=True)
"""
_FIRST_STEP = "str(1)\n"


def _find_command_line():
    """Where the command line lies in memory, and how long it may be: proc(5), arg_start. It is the same in all that are forked from here."""
    with open("/proc/self/stat") as file:
        start, end = map(int, file.read().rpartition(")")[2].split()[45:47])
    return start, end - start


_command_line = _find_command_line()


def get_ready():
    """In the job's process before the job is known: what is the same for all, and a rehearsal of the rest."""
    _open_streams()
    _run(_FIRST_STEP)
    gc.collect()


def rehearse():
    """In the server, before any job's process is forked."""
    _run(_ALL_FIRST_STEPS)


def _run(steps):
    exec(compile(steps, "main.py", "exec", dont_inherit=True), {"__name__": "__main__"})


def warm_up():
    """Touches what nearly every program with these packages touches. Leaves nothing behind."""
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        frame = pandas.DataFrame({"k": ["a", "b", "a"], "v": [1.0, 2.0, 3.0]})
        str(frame.groupby("k").sum())


def wait_for_words(fd):
    """All that comes, to its end. When that is nothing there will be no job, and this process ends."""
    words = b""
    while True:
        part = os.read(fd, 1 << 16)
        if not part:
            break
        words += part
    if not words:
        os._exit(0)
    return words


def take_place(job):
    """The job's standard streams and its folder, for a process that had others."""
    if job["stdin"]:
        fd = os.memfd_create("stdin")
        left = memoryview(job["stdin"].encode("utf-8", "surrogatepass"))
        while left:
            left = left[os.write(fd, left) :]
        os.lseek(fd, 0, os.SEEK_SET)
        os.dup2(fd, 0)
        os.close(fd)
    if not job["split"]:
        # One pipe for both: what was written first is read first.
        os.dup2(1, 2)
    # Even where it was here: a folder that was made anew is another one by the same name.
    os.chdir(_SOURCE)


class Run:
    """A script on its way: `with Run(job) as this: exec(this.code, this.namespace)`, then `this.end()`, which never returns.

    `job` is what the driver sent: entry, args, env, threads. What the script raises is kept for the end, so that it is handled as
    the interpreter does it, outside of any handler.
    """

    def __init__(self, job):
        self.ahead = len(sys.modules)
        self.path = os.path.join(_SOURCE, job["entry"])
        self.error = None
        _prepare(job)

    def __enter__(self):
        self.namespace = _new_main(self.path)
        try:
            with open(self.path, "rb") as file:
                source = file.read()
        except OSError as error:
            # As the interpreter says it, with its exit code.
            ending.say(f"{sys.executable}: can't open file {self.path!r}: [Errno {error.errno}] {error.strerror}")
            ending.end(2, self.ahead)
        self.namespace["__file__"] = self.path
        self.namespace["__cached__"] = None
        try:
            self.code = compile(source, self.path, "exec", dont_inherit=True)
        except Exception:
            self.code = _BY_FILE
            self.namespace = {"run": _run_file, "path": self.path, "namespace": self.namespace}
        return self

    def __exit__(self, kind, error, trace):
        self.error = error
        self.namespace = self.code = None
        return True

    def end(self):
        error, self.error = self.error, None
        ending.end(0 if error is None else ending.report(error), self.ahead)


def _prepare(job):
    _set_environment(job["env"])
    sys.argv[:] = [job["entry"], *job["args"]]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = [sys.executable, *sys.argv]
    _show_command_line([sys.executable, *sys.argv])
    sys.path.insert(0, os.path.dirname(os.path.join(_SOURCE, job["entry"])))
    _be_somebody_else(job)


def _set_environment(variables):
    """Most of a job's is what the server has: each that changes costs a call of the C library, and a time zone's rules are long."""
    zone = os.environ.get("TZ")
    for name in [name for name in os.environ if name not in variables]:
        del os.environ[name]
    for name, value in variables.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    if os.environ.get("TZ") != zone:
        time.tzset()


def _show_command_line(words):
    """What ps shows, and /proc/self/cmdline: written over the server's own, which is longer than most."""
    start, room = _command_line
    text = b"".join(os.fsencode(word) + b"\0" for word in words)[: room - 1]
    ctypes.memmove(start, text.ljust(room, b"\0"), room)


def _open_streams():
    """As create_stdio in Python/pylifecycle.c: what the server's streams were is another file's state."""
    for fd, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        before = getattr(sys, name)
        # PYTHONUNBUFFERED, which every job has.
        binary = io.open(fd, mode + "b", buffering=0 if mode == "w" else -1, closefd=False)
        getattr(binary, "raw", binary).name = f"<{name}>"
        stream = io.TextIOWrapper(binary, encoding=before.encoding, errors=before.errors, newline="\n", write_through=True)
        stream.mode = mode
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _be_somebody_else(job):
    """What one process has and two must not share."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    process = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.ORIGINAL_DIR = os.path.abspath(os.getcwd())
        process.current_process().authkey = os.urandom(32)
    logging = sys.modules.get("logging")
    if logging is not None:
        # What its records count from is when it was imported.
        logging._startTime = time.time_ns() if sys.version_info >= (3, 13) else time.time()
    # What it had in the server, in another process.
    threading.main_thread()._set_native_id()
    _let_blas_use(job["threads"])
    gc.enable()


def _let_blas_use(threads):
    """OpenBLAS was loaded with one thread, for threads don't live through a fork."""
    if threads == 1 or "numpy" not in sys.modules:
        return
    with open("/proc/self/maps") as maps:
        libraries = {line.split()[-1] for line in maps if "openblas" in line}
    for path in libraries:
        library = ctypes.CDLL(path)
        for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
            function = getattr(library, f"{prefix}openblas_set_num_threads{suffix}", None)
            if function is not None:
                function(threads)
                break


def _new_main(path):
    main = types.ModuleType("__main__")
    namespace = main.__dict__
    if sys.version_info < (3, 14):
        namespace["__annotations__"] = {}
    namespace["__builtins__"] = builtins
    namespace["__loader__"] = importlib.machinery.SourceFileLoader("__main__", path)
    sys.modules["__main__"] = main
    return namespace


_BY_FILE = compile("run(path, namespace)", __file__, "exec")


def _run_file(path, namespace):
    """What `python FILE` itself calls. It has other words than compile() for some of what is wrong with a file, as its encoding."""
    fopen = ctypes.CDLL(None).fopen
    fopen.restype = ctypes.c_void_p
    run = ctypes.pythonapi.PyRun_FileExFlags
    run.restype = ctypes.py_object
    run.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.py_object, ctypes.py_object, ctypes.c_int, ctypes.c_void_p]
    file_input, close_it = 257, 1
    with warnings.catch_warnings():
        # compile() has said them.
        warnings.simplefilter("ignore", SyntaxWarning)
        run(fopen(os.fsencode(path), b"rb"), os.fsencode(path), file_input, namespace, namespace, close_it, None)
