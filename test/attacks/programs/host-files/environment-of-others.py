# Reads the environment and memory of every process there is, its parents' above all.
import os

from attack import gets, held, target

secret = target()["secret"].encode()
mine = os.getpid()
for pid in [name for name in os.listdir("/proc") if name.isdigit() and int(name) != mine]:
    gets(f"environ of {pid}", lambda: secret in open(f"/proc/{pid}/environ", "rb").read())
    gets(f"mem of {pid}", lambda: open(f"/proc/{pid}/mem", "rb"))
    gets(f"maps of {pid}", lambda: open(f"/proc/{pid}/maps").read())
    gets(f"exe of {pid}", lambda: os.readlink(f"/proc/{pid}/exe"))
gets("own environment", lambda: [k for k, v in os.environ.items() if target()["secret"] in v])
held()
