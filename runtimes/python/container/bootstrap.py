# The command of every container: reads the modules of its init from the service, so that an image need hold none of them and can't
# hold old ones. Each is a length and a name, a length and a source; a length of 0 ends them.
import os
import sys
import types


def read(count):
    parts = b""
    while len(parts) < count:
        part = os.read(0, count - len(parts))
        if not part:
            os._exit(0)
        parts += part
    return parts


while True:
    length = read(1)[0]
    if length == 0:
        break
    name = read(length).decode()
    source = read(int.from_bytes(read(4), "big"))
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name + ".py", "exec"), module.__dict__)
sys.modules["init"].main()
