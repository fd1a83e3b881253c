"""Ends this process as the interpreter would have ended it after a script: Python/pythonrun.c, then Py_FinalizeEx."""

import _io
import _thread
import atexit
import gc
import itertools
import os
import signal
import sys
import threading
import types
import weakref

_SOURCE = "/workspace/code"
_AGENT = os.path.dirname(__file__) + os.sep
# As they were before any program could put something in their place.
_collect, _get_objects, _current_frames, _exit, _modules = gc.collect, gc.get_objects, sys._current_frames, os._exit, sys.modules
_PATIENCE_S = 1


def say(text):
    """To sys.stderr or, where the program has put that away, to where it wrote. Nobody hears of it if that fails, either."""
    stream = getattr(sys, "stderr", None)
    try:
        if stream is None:
            os.write(2, f"{text}\n".encode(errors="backslashreplace"))
        else:
            stream.write(str(text) + "\n")
    except BaseException:  # noqa: B036
        pass


def _exit_code(request):
    try:
        code = request.code
    except BaseException:  # noqa: B036
        code = request
    if code is None:
        return 0
    if isinstance(code, int):
        # As a long that is cut to an int, or -1 where it is none.
        return code & 0xFF if -(1 << 63) <= code < (1 << 63) else 255
    say(code)
    return 1


def report(error):
    """PyErr_PrintEx, and the exit code that follows."""
    # A SyntaxError of the script itself has no others.
    trace = error.__traceback__ = _without_us(error.__traceback__)
    if isinstance(error, SystemExit):
        return _exit_code(error)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    hook = getattr(sys, "excepthook", None)
    second = None
    if hook is None:
        say("sys.excepthook is missing")
        hook = sys.__excepthook__
    try:
        hook(type(error), error, trace)
    except BaseException as failure:  # noqa: B036
        second = failure
    if isinstance(second, SystemExit):
        return _exit_code(second)
    if second is not None:
        second.__traceback__ = second.__traceback__.tb_next
        say("Error in sys.excepthook:")
        sys.__excepthook__(type(second), second, second.__traceback__)
        say("\nOriginal exception was:")
        sys.__excepthook__(type(error), error, trace)
    return -signal.SIGINT if type(error) is KeyboardInterrupt else 1


def end(code, ahead):
    """Py_RunMain after the script, and Py_FinalizeEx as far as a program can see it; then without taking the heap apart."""
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _unraisable_without_us
    try:
        threading._shutdown()
    except BaseException as error:  # noqa: B036
        _unraisable(error, threading, "Exception ignored on threading shutdown")
    try:
        atexit._run_exitfuncs()
    except BaseException:  # noqa: B036 - Python 3.9 has reported it, and raises the last one once more
        pass
    flushed = _flush()
    _let_objects_go(ahead)
    flushed = _flush() and flushed
    if not flushed and code != -signal.SIGINT:
        code = 120
    if code == -signal.SIGINT:
        # As the interpreter does, so that whoever waits sees what ended it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        code = 130
    # Readers see the end of the output while the kernel still takes this process's memory apart.
    os.closerange(0, 3)
    _exit(code)


def _flush():
    """False where what was written could not be."""
    worked = True
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name, None)
        if stream is None or _is_closed(stream):
            continue
        try:
            stream.flush()
        except BaseException as error:  # noqa: B036
            worked = False
            if name == "stdout":
                _unraisable(error, stream, "Exception ignored on flushing sys.stdout")
    return worked


def _is_closed(stream):
    """One that can't tell is not."""
    try:
        return bool(stream.closed)
    except BaseException:  # noqa: B036
        return False


class _Raises:
    def __del__(self):
        raise RuntimeError


def _type_of_unraisable():
    """It has no name of its own: taken from one that is made for the purpose."""
    seen = []
    sys.unraisablehook = seen.append
    _Raises()
    sys.unraisablehook = sys.__unraisablehook__
    return type(seen[0])


_UNRAISABLE = _type_of_unraisable()


def _unraisable(error, what, message):
    """PyErr_WriteUnraisable with the object or, from Python 3.13 on, PyErr_FormatUnraisable with the message."""
    error.__traceback__ = _without_us(error.__traceback__)
    what, message = (None, message) if sys.version_info >= (3, 13) else (what, None)
    try:
        sys.unraisablehook(_UNRAISABLE((type(error), error, error.__traceback__, message, what)))
    except Exception:
        pass


def _unraisable_without_us(unraisable):
    kind = type(unraisable)
    sys.__unraisablehook__(kind((*unraisable[:2], _without_us(unraisable.exc_traceback), *unraisable[3:])))


def _without_us(trace):
    """This program's own frames are no part of the job's."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_AGENT):
        trace = trace.tb_next
    return trace


def _let_objects_go(ahead):
    """Finalisers of what the program still holds, in the order of finalize_modules: cycles first; then its modules are forgotten; the
    names of those that somebody still holds are cleared, __main__'s the last; then files that are still held are written out."""
    _collect()
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        if hasattr(sys, name):
            setattr(sys, name, None)
    for name in ("stdin", "stdout", "stderr"):
        setattr(sys, name, getattr(sys, f"__{name}__", None))
    # Only those that came after the first `ahead`: to touch a module that is shared with the server is to copy it.
    later = list(itertools.islice(reversed(_modules), max(0, len(_modules) - ahead)))
    mine = [*(name for name in later if _is_the_programs(_modules[name])), "__main__"]
    left = []
    for name in mine:
        module = _modules.pop(name, None)
        if isinstance(module, types.ModuleType):
            left.append(weakref.ref(module))
    module = None
    _collect()
    # The interpreter stops daemon threads before it takes away what they use. Here they go on, and so may use what they have.
    if len(_current_frames()) > 1:
        _finish_beside()
    else:
        for reference in left:
            module = reference()
            if module is not None:
                _clear(module.__dict__)
        module = None
        _collect()
        _finish_files("close")


def _finish_beside():
    """By another thread, for a daemon may hold on to a file for ever."""
    done = _thread.allocate_lock()
    done.acquire()

    def finish():
        _finish_files("flush")
        done.release()

    try:
        _thread.start_new_thread(finish, ())
        done.acquire(timeout=_PATIENCE_S)
    except RuntimeError:
        pass  # It may have no more threads.


def _finish_files(how):
    """`close` or `flush`, for what the program has in files that are held by what is not the program's, such as a library that knows a
    function of it: the interpreter finds them when it takes the heap apart. Text before what it goes through, and that before what is below."""
    own = [id(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)]
    ranks = ([], [], [])
    # Without what was frozen in the server, which has no file of the program's.
    for each in _get_objects():
        kind = type(each)
        if issubclass(kind, _io._TextIOBase):
            ranks[0].append(each)
        elif issubclass(kind, _io._BufferedIOBase):
            ranks[2 if kind in (_io.BufferedWriter, _io.BufferedRandom) else 1].append(each)
    for each in itertools.chain(*ranks):
        try:
            if id(each) not in own:
                getattr(each, how)()
        except BaseException:  # noqa: B036 - nor does the interpreter say so
            pass


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
