# Changes what every program in this interpreter relies on: modules, builtins, types, hooks, settings.
import builtins
import json
import random
import site
import sys
import types

import os

from attack import held

json.loads = lambda *_: {"BROKEN": True}
builtins.len = lambda _: 42
builtins.BROKEN = True
sys.modules["BROKEN"] = types.ModuleType("BROKEN")
sys.path.insert(0, "/tmp")
sys.meta_path.clear()
sys.path_hooks.clear()
sys.setrecursionlimit(50)
sys.excepthook = sys.displayhook = lambda *_: None
random.seed(1)
os.environ["BROKEN"] = "1"
os.umask(0)
os.write(1, b"held\n")
os._exit(0)
