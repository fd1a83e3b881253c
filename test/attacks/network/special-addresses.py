# Tries: every kind of address that is not the public internet, over TCP and over UDP: private networks, clouds' metadata,
#        documentation, benchmarks, relays, NAT64, 6to4, Teredo.
# Must:  be refused, each of them, by either.
import json
import os
import socket

for what, address in json.loads(os.environ["TARGETS"]).items():
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for name, kind in (("TCP", socket.SOCK_STREAM), ("UDP", socket.SOCK_DGRAM)):
        with socket.socket(family, kind) as connection:
            connection.settimeout(3)
            try:
                connection.connect((address, 7000))
                connection.send(b"x")
                print(f"REACHED {what} over {name}: {connection.recv(100)!r}")
            except OSError:
                pass
print("done")
