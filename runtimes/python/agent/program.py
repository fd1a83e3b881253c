"""Runs a script in this process as `python main.py` would have in one of its own.

Follows Modules/main.c and Python/pylifecycle.c: what a program can see of its start (argv, path, __main__, the standard
streams) and of its end (tracebacks, exit codes, what is called last) is to be the same. What can't be, docs/warm-starts.md tells.
"""

import builtins
import ctypes
import gc
import importlib.machinery
import io
import itertools
import os
import signal
import sys
import threading
import time
import types

_SOURCE = "/workspace/code"

# Where the command line lies in memory, and how long it may be: proc(5), arg_start.
_command_line = (0, 0)

_REHEARSAL = """
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


def get_ready():
    """In the job's process before the job is known: what is the same for all, and a rehearsal of the rest.

    What it writes to, the kernel copies for this process then and not when the job is waiting.
    """
    global _command_line
    with open("/proc/self/stat") as file:
        start, end = map(int, file.read().rpartition(")")[2].split()[45:47])
    _command_line = start, end - start
    _set_environment(dict(os.environ))
    _open_streams()
    exec(compile(_REHEARSAL, "main.py", "exec", dont_inherit=True), {"__name__": "__main__"})
    gc.collect()


def run(job):
    """Never returns. `job` is what the driver sent: entry, args, env, threads."""
    code = 1
    ahead = len(sys.modules)
    try:
        _prepare(job)
        code = _run_main(os.path.join(_SOURCE, job["entry"]))
    except BaseException:  # noqa: B036 - whatever it is, it ends the process
        sys.excepthook(*sys.exc_info())
    _end(code, ahead)


def _prepare(job):
    _set_environment(job["env"])
    sys.argv[:] = [job["entry"], *job["args"]]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = [sys.executable, *sys.argv]
    _show_command_line([sys.executable, *sys.argv])
    sys.path.insert(0, os.path.dirname(os.path.join(_SOURCE, job["entry"])))
    _be_somebody_else(job)


def _set_environment(variables):
    os.environ.clear()
    os.environ.update(variables)
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
        unbuffered = mode == "w"
        binary = io.open(fd, mode + "b", buffering=0 if unbuffered else -1, closefd=False)
        raw = binary if unbuffered else binary.raw
        raw.name = f"<{name}>"
        stream = io.TextIOWrapper(
            binary, encoding=before.encoding, errors=before.errors, newline="\n", write_through=unbuffered
        )
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


def _run_main(path):
    main = types.ModuleType("__main__")
    namespace = main.__dict__
    if sys.version_info < (3, 14):
        namespace["__annotations__"] = {}
    namespace["__builtins__"] = builtins
    namespace["__loader__"] = importlib.machinery.SourceFileLoader("__main__", path)
    sys.modules["__main__"] = main
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        # As the interpreter says it, with its exit code.
        print(f"{sys.executable}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr)
        return 2
    namespace["__file__"] = path
    namespace["__cached__"] = None
    try:
        exec(compile(source, path, "exec", dont_inherit=True), namespace)
    except SystemExit as request:
        return _exit_code(request)
    except BaseException as error:  # noqa: B036 - as the interpreter itself
        return _report(error, path)
    return 0


def _exit_code(request):
    code = request.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF if -(1 << 31) <= code < (1 << 31) else 255
    sys.stdout.flush() if sys.stdout is not None else None
    print(code, file=sys.stderr)
    return 1


def _report(error, path):
    trace = error.__traceback__
    # This file's own frame is no part of the program; a SyntaxError of the script itself has no other.
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    error.__traceback__ = trace
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    hook = getattr(sys, "excepthook", None)
    try:
        hook(type(error), error, trace)
    except SystemExit as request:
        return _exit_code(request)
    except BaseException as second:  # noqa: B036 - as PyErr_PrintEx does
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(second), second, second.__traceback__.tb_next)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, trace)
    if isinstance(error, KeyboardInterrupt):
        return -signal.SIGINT
    return 1


def _end(code, ahead):
    """Py_RunMain after the script, and Py_FinalizeEx as far as a program can see it; then without taking the heap apart."""
    import atexit

    try:
        threading._shutdown()
    except BaseException:  # noqa: B036
        sys.excepthook(*sys.exc_info())
    atexit._run_exitfuncs()
    flushed = _flush()
    _let_objects_go(ahead)
    flushed = _flush() and flushed
    if not flushed and code == 0:
        code = 120
    if code == -signal.SIGINT:
        # As the interpreter does, so that whoever waits sees what ended it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        code = 130
    # Readers see the end of the output while the kernel still takes this process's memory apart.
    os.closerange(0, 3)
    os._exit(code)


def _flush():
    """False where what was written could not be."""
    worked = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except Exception as error:
            if stream is sys.stdout:
                worked = False
                _unraisable(error, stream)
    return worked


def _unraisable(error, stream):
    try:
        print(f"Exception ignored in: {stream!r}\n{type(error).__name__}: {error}", file=sys.stderr)
    except Exception:
        pass


def _let_objects_go(ahead):
    """Finalisers of what the program still holds: cycles first, then the names of its modules, __main__'s the last."""
    gc.collect()
    # Only those that came after the first `ahead`: to touch a module that is shared with the server is to copy it.
    later = itertools.islice(reversed(sys.modules.values()), max(0, len(sys.modules) - ahead))
    mine = [module for module in later if _is_the_programs(module)]
    for module in [*mine, sys.modules.get("__main__")]:
        if isinstance(module, types.ModuleType):
            _clear(module.__dict__)
    gc.collect()


def _is_the_programs(module):
    name = getattr(module, "__file__", None)
    return isinstance(name, str) and name.startswith(_SOURCE)


def _clear(namespace):
    # The order of _PyModule_ClearDict: names with one underscore first, what builtins need to work never.
    for name in list(namespace):
        if name.startswith("_") and not name.startswith("__"):
            namespace[name] = None
    for name in list(namespace):
        if name != "__builtins__":
            namespace[name] = None
