# Tries: the machine that it runs on: under its private, its public and its IPv6 address, through the gateway that user-mode networks
#        have for it, by broadcast and multicast, on its loopback; and the relay's own services.
# Must:  be refused. Its own loopback device is its own: there is only the resolver.
import socket
import struct

HOSTS = ["10.77.0.1", "198.41.0.4", "fd77::1", "198.19.255.2", "198.19.255.3", "fd00::2", "fd00::3", "127.0.0.1", "::1", "10.77.0.2"]
# The bridge of a container engine, and its resolver.
HOSTS += ["172.17.0.1", "fd77:17::1", "172.18.0.1", "127.0.0.11"]
GROUPS = ["255.255.255.255", "198.19.255.255", "224.0.0.1", "224.0.0.251", "239.1.2.3", "ff02::1", "ff05::2"]

for host in HOSTS:
    for port in (7000, 8080, 67, 69):
        try:
            with socket.create_connection((host, port), 3) as connection:
                print(f"REACHED {host}:{port}: {connection.recv(100)!r}")
        except OSError:
            pass
for host in [*HOSTS, *GROUPS]:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(0.3)
        try:
            if ":" not in host:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            # What a TFTP server, a DHCP server and a host of the internet would answer.
            for port, message in ((69, b"\0\1/etc/passwd\0octet\0"), (67, struct.pack("B", 1) + bytes(299)), (7000, b"x")):
                connection.sendto(message, (host, port))
            print(f"REACHED {host}: {connection.recvfrom(100)!r}")
        except OSError:
            pass
print("done")
