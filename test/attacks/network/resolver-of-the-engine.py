# Tries: with the list [], the resolver that container engines put into containers' networks, on whichever port it really listens: it
#        would ask on for whatever name it is given, and so tell things to an accomplice's name server.
# Must:  get no answer from there, and have no name server but its own.
import socket

RESOLVER = "127.0.0.11"
question = bytes.fromhex("123401000001000000000000") + b"\4four\7example\0\0\1\0\1"
ports = {53}
for table in ("/proc/net/tcp", "/proc/net/udp"):
    with open(table) as file:
        for line in file.readlines()[1:]:
            address, port = line.split()[1].split(":")
            if address == "0B00007F":
                ports.add(int(port, 16))
for port in ports:
    for name, kind in (("TCP", socket.SOCK_STREAM), ("UDP", socket.SOCK_DGRAM)):
        with socket.socket(socket.AF_INET, kind) as connection:
            connection.settimeout(2)
            try:
                connection.connect((RESOLVER, port))
                connection.send(question if kind == socket.SOCK_DGRAM else len(question).to_bytes(2, "big") + question)
                print(f"REACHED port {port} over {name}: {connection.recv(100)!r}")
            except OSError:
                pass
with open("/etc/resolv.conf") as file:
    print([line.split()[1] for line in file if line.startswith("nameserver")])
