# Asks the cloud for the machine's credentials.
import socket
import urllib.request

from attack import does, held

for address in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"):
    does("connect to " + address, lambda: socket.create_connection((address, 80), timeout=1))
does("by name", lambda: urllib.request.urlopen("http://metadata.google.internal/computeMetadata/v1/", timeout=1))
held()
