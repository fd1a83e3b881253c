import signal


class Held:
    def __del__(self):
        print("finalised")


held = Held()


def handler(*what):
    return held


signal.signal(signal.SIGTERM, handler)
