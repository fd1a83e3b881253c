import os
import subprocess
import sys

print(subprocess.run([sys.executable, "-c", "import os; print(os.environ['EXTRA'])"], env={**os.environ, "EXTRA": "1"}, capture_output=True))
print(subprocess.getoutput("echo from a shell; exit 3"), subprocess.run("exit 3", shell=True).returncode)
subprocess.run([sys.executable, "-c", "print('inherited streams')"])
