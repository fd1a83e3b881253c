import atexit
import os
import sys

atexit.register(print, "never")
sys.stdout.write("unbuffered")
os._exit(9)
