# Walks everything that can be seen, and looks for what the host would not show: the secret by its name, and places to write to.
import os

from attack import does, held, target

t = target()
own = ("/proc", "/sys", "/dev/shm", "/tmp", "/workspace", "/var/tmp", "/mnt/data")
name = os.path.basename(t["secret_file"])
for folder, folders, files in os.walk("/"):
    if folder.startswith(own):
        folders[:] = []
        continue
    if name in files:
        print("BROKEN found", folder)
    if folder.count("/") <= 3:
        does("writable " + folder, lambda: os.close(os.open(folder + "/x", os.O_CREAT | os.O_WRONLY)))
held()
