# Prints the addresses of the network that it is in, as JSON: the engine's machine's. Runs in a container of its own that has no right.
import json

found = set()
address = None
with open("/proc/net/fib_trie") as table:
    for line in table:
        words = line.split()
        if words[0] == "|--":
            address = words[1]
        elif words[0] == "/32" and words[1:] == ["host", "LOCAL"]:
            found.add(address)
try:
    with open("/proc/net/if_inet6") as table:
        for line in table:
            digits = line.split()[0]
            found.add(":".join(digits[at : at + 4] for at in range(0, 32, 4)))
except FileNotFoundError:
    pass  # A machine without IPv6.
print(json.dumps(sorted(found)))
