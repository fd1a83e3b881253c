import os
import sys

print([path for path in sys.path if not path.startswith("/usr/local")], sys.argv, sys.executable, sys.prefix, sys.base_prefix, sys.exec_prefix, sys.platlibdir)
print(getattr(sys, "orig_argv", None), sys.flags, sys._xoptions, sys.warnoptions, sys.dont_write_bytecode, sys.pycache_prefix)
print(sys.exc_info(), [name for name in ("last_type", "last_value", "last_exc", "ps1", "tracebacklimit") if hasattr(sys, name)])
print(sys.gettrace(), sys.getprofile(), sys.getswitchinterval(), sys.get_asyncgen_hooks(), sys.displayhook, sys.excepthook, sys.unraisablehook)
print([type(hook).__name__ for hook in sys.meta_path], len(sys.path_hooks), sys.version, sys.hash_info.width)
print(open("/proc/self/cmdline").read().rstrip("\0").split("\0"), open("/proc/self/comm").read(), os.path.basename(os.readlink("/proc/self/exe")))
