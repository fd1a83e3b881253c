import ctypes
import os
import subprocess

old = os.umask(0)
os.umask(old)
print(oct(old), os.getcwd(), os.environ["PWD"] if "PWD" in os.environ else None)
hidden = ("JOB_INPUT_DIR", "JOB_OUTPUT_DIR")
print({name: os.environ[name] for name in sorted(os.environ) if name not in hidden}, all(name in os.environ for name in hidden))
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
print(getenv(b"MINE"), os.getenvb(b"MINE"), subprocess.getoutput("echo $MINE; umask; env | wc -l"))
