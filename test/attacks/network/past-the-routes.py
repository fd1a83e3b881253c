# Tries: to go around routing tables, which it can without any right: by binding to the device, by saying which device to use, by
#        not using routes, by source routing through a public host; and to use addresses of other parties for its own.
# Must:  be refused: the filter looks at what leaves, however it came to leave.
import socket
import struct

SO_BINDTODEVICE, IP_UNICAST_IF, IP_FREEBIND, IP_TRANSPARENT, SO_MARK = 25, 50, 15, 19, 36
DEVICE = next(name for _, name in socket.if_nameindex() if name != "lo")
INNER = ("10.99.0.1", 7000)
# Loose source routing: the packet's address is the first stop's, where it is really bound for stands among its options.
source_route = bytes([131, 7, 4]) + socket.inet_aton("1.2.3.4") + b"\0"


def attempt(what, prepare, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as connection:
        connection.settimeout(1)
        try:
            prepare(connection)
            connection.connect(INNER)
            connection.send(b"x")
            print(f"REACHED: {what}: {connection.recv(100)!r}")
        except OSError:
            pass


for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    for device in (DEVICE, "lo"):
        attempt("bound to " + device, lambda s: s.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, device.encode()), kind=kind)
    index = socket.if_nametoindex(DEVICE)
    attempt("over the device", lambda s: s.setsockopt(socket.IPPROTO_IP, IP_UNICAST_IF, struct.pack("!I", index)), kind=kind)
    attempt("without routes", lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1), kind=kind)
    attempt("by source route", lambda s: s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, source_route), kind=kind)
    attempt("transparently", lambda s: s.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1), kind=kind)
    attempt("marked", lambda s: s.setsockopt(socket.SOL_SOCKET, SO_MARK, 1), kind=kind)
print("done")
