import os

print(os.getppid() > 0)
