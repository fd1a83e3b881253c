# Gets at the agent that forked it, by what the interpreter still holds.
import gc
import sys

from attack import held

for name in ("server", "confine", "init", "kernel", "program"):
    if name in sys.modules:
        print("BROKEN module", name)
found = [type(thing).__name__ for thing in gc.get_objects() if type(thing).__name__ in ("Server", "Slot")]
# The process's own slot is on its stack: a name and closed descriptors. Those of others must not be.
if found.count("Slot") > 1 or "Server" in found:
    print("BROKEN objects", found)
frame = sys._getframe()
while frame is not None:
    if "/opt/agent/server" in frame.f_code.co_filename and any(k in frame.f_locals for k in ("slots", "owners")):
        print("BROKEN frame", frame)
    frame = frame.f_back
held()
