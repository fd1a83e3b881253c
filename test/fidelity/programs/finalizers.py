import atexit
import tempfile
import weakref


class Thing:
    pass


thing = Thing()
weakref.finalize(thing, print, "finalized at exit")
folder = tempfile.TemporaryDirectory()
atexit.register(print, "atexit")
