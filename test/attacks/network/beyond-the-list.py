# Tries: with the list ["four.example:7000", "*.wild.example"]: other hosts, other ports, other names; the apex of a wildcard; a resolver
#        of its own choice; telling names to a name server that is its accomplice's.
# Must:  reach what the list names, and nothing else.
import socket


def attempt(host, port, kind=socket.SOCK_STREAM):
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
        with socket.socket(family, kind) as connection:
            connection.settimeout(3)
            connection.connect(address)
            connection.send(b"x")
            return connection.recv(100).decode().split("\n")[0]
    except OSError as error:
        return type(error).__name__


print("before its name was asked for:", attempt("1.2.3.4", 7000))
print("listed:", attempt("four.example", 7000), "|", attempt("four.example", 7000, socket.SOCK_DGRAM))
print("its other port:", attempt("four.example", 7001))
print("below the wildcard:", attempt("a.wild.example", 7000), "|", attempt("A.Wild.Example", 7001))
print("the wildcard's own name:", attempt("wild.example", 7000))
print("another name:", attempt("public.example", 7000))
print("another address:", attempt("9.9.9.9", 7000), attempt("2a00:1450::1", 7000))
print("another resolver:", attempt("9.9.9.9", 53), attempt("9.9.9.9", 53, socket.SOCK_DGRAM))
