import atexit


def fail():
    raise ValueError("in atexit")


def leave():
    raise SystemExit(3)


atexit.register(print, "still called")
atexit.register(fail)
atexit.register(leave)
