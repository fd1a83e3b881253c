# Speaks to what listens on the host's 127.0.0.1 and ::1, and on its other names.
import socket

from attack import does, held, target

port = target()["tcp_port"]
for address in ("127.0.0.1", "::1", "0.0.0.0", "localhost", "host.docker.internal", "gateway.docker.internal", "172.17.0.1", "10.0.2.2"):
    does("connect to " + address, lambda: socket.create_connection((address, port), timeout=1))
held()
