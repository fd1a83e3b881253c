import pickle
import subprocess
import sys


class Point:
    def __init__(self, x):
        self.x = x

    def __repr__(self):
        return f"{type(self).__module__}.Point({self.x})"


def function():
    pass


print(pickle.loads(pickle.dumps([Point(1), function])) == [1], pickle.loads(pickle.dumps(Point(2))))
print(pickle.loads(pickle.dumps(function)) is function, Point.__module__, function.__module__)
code = "import sys, pickle; pickle.load(sys.stdin.buffer)"
print(subprocess.run([sys.executable, "-c", code], input=pickle.dumps(Point(3)), capture_output=True).stderr.decode().splitlines()[-1])
