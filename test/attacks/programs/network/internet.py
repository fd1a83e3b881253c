# Goes out by TCP over IPv4 and IPv6.
import socket

from attack import does, held

for address in ("192.0.2.1", "198.51.100.1", "2001:db8::1"):
    for port in (53, 80, 443):
        does(f"connect to {address} {port}", lambda: socket.create_connection((address, port), timeout=1))
held()
