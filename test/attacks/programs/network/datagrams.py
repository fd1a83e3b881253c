# Sends datagrams: to the host, to a name server, to everybody.
import socket

from attack import does, held, target

port = target()["udp_port"]


def send(family, address, broadcast=False):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        if broadcast:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.settimeout(0.3)
        s.sendto(b"ping", address)
        return s.recv(100)


does("host", lambda: send(socket.AF_INET, ("127.0.0.1", port)))
does("host, IPv6", lambda: send(socket.AF_INET6, ("::1", port)))
does("name server", lambda: send(socket.AF_INET, ("192.0.2.53", 53)))
does("broadcast", lambda: send(socket.AF_INET, ("255.255.255.255", port), True))
does("multicast", lambda: send(socket.AF_INET, ("224.0.0.251", 5353)))
does("a name", lambda: socket.getaddrinfo("example.org", 80))
held()
