# Sends signals to the service and to processes of the host by their numbers there.
import os

from attack import does, held, target

for pid in (target()["service_pid"], target()["victim_pid"]):
    if pid != os.getpid() and not os.path.exists(f"/proc/{pid}"):
        does(f"kill {pid}", lambda: os.kill(pid, 9))
        does(f"kill its group {pid}", lambda: os.killpg(pid, 9))
held()
