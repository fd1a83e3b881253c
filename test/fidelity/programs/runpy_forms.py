import runpy
import sys

print(runpy.run_path("helper.py")["VALUE"], runpy.run_module("helper", run_name="__main__")["VALUE"])
print(sys.argv, sorted(name for name in sys.modules if name == "helper"))
