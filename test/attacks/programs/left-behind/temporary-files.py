# Leaves files wherever it can write, for the next job to find or to trip over.
import os

from attack import held

for folder in ("/tmp", "/dev/shm", "/var/tmp", os.environ.get("HOME", "/tmp")):
    os.makedirs(folder + "/.config/matplotlib", exist_ok=True)
    open(folder + "/.config/matplotlib/matplotlibrc", "w").write("backend: evil")
    open(folder + "/usercustomize.py", "w").write("print('BROKEN')")
    open(folder + "/.pythonrc", "w").write("print('BROKEN')")
held()
