# Tries: to learn the addresses and the names of inner machines from the resolvers of the host, which know them.
# Must:  be told of none: not where public ones are among them, not in IPv6's clothes, not backwards.
import socket

for name in ("inner.example", "mixed.example", "mapped.example", "nat64.example"):
    try:
        print(f"TOLD {name}: {[entry[4][0] for entry in socket.getaddrinfo(name, 80)]}")
    except OSError:
        pass
for address in ("10.99.0.1", "fd12::9"):
    name = socket.getnameinfo((address, 80), 0)[0]
    if name != address:
        print(f"TOLD {address}: {name}")
print("done")
