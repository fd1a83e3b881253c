# Speaks to a Unix socket of the host's that has no path, which only a network namespace keeps apart.
import socket

from attack import does, held, target

name = target()["abstract_socket"]
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    does(f"kind {kind}", lambda: socket.socket(socket.AF_UNIX, kind).connect("\0" + name))
does("the bus", lambda: socket.socket(socket.AF_UNIX).connect("\0/tmp/dbus-session"))
does("containerd", lambda: socket.socket(socket.AF_UNIX).connect("\0/containerd-shim"))
held()
