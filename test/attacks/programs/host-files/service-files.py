# Reads the service's own files and another job's, whose modes let everybody.
import os

from attack import gets, held, target

t = target()
for path in (t["secret_file"], t["other_job_file"]):
    for way in (path, "/proc/self/root" + path, "/proc/1/root" + path, "/proc/1/cwd" + path, "/workspace/code/../../../../../.." + path):
        gets(way, lambda: open(way, "rb").read())
for folder in (t["secret_folder"], "/work", "/srv", "/home", "/root", "/mnt", "/media", "/var/lib/docker", "/run"):
    gets("list " + folder, lambda: [name for name in os.listdir(folder) if name not in ("data", "lock", "secrets", ".containerenv")])
# By which Podman says that this is a container, and by no more than its being there.
gets("/run/.containerenv", lambda: open("/run/.containerenv").read())
held()
