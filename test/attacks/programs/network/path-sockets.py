# Speaks to sockets that lie in folders: the engine's, the service manager's, one that everybody may use.
import socket

from attack import does, held, target

for path in (target()["unix_socket"], "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock", "/run/systemd/private", "/run/dbus/system_bus_socket", "/dev/log", "/tmp/.X11-unix/X0"):
    for way in (path, "/proc/1/root" + path, "/proc/self/cwd/../../.." + path):
        does(way, lambda: socket.socket(socket.AF_UNIX).connect(way))
held()
