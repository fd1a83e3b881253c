import sys


class Interrupting:
    closed = False

    def write(self, text):
        return len(text)

    def flush(self):
        raise KeyboardInterrupt


sys.stdout = Interrupting()
