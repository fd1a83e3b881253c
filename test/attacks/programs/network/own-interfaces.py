# Makes itself a way out: an address, a route, a tunnel, a device.
import fcntl
import socket
import struct

from attack import does, held

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
address = struct.pack("16sH2s4s8x", b"lo", socket.AF_INET, b"", socket.inet_aton("10.9.9.9"))
does("set an address", lambda: fcntl.ioctl(s, 0x8916, address))  # SIOCSIFADDR
does("take it down", lambda: fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0)))  # SIOCSIFFLAGS
does("tunnel", lambda: fcntl.ioctl(open("/dev/net/tun", "r+b", 0), 0x400454CA, struct.pack("16sH14x", b"tun9", 1)))


def add_dummy():
    body = struct.pack("BxHiII", 0, 0, 0, 0, 0) + struct.pack("HH8s", 12, 3, b"dummy9\0")
    info = struct.pack("HH", 16, 18) + struct.pack("HH8s", 12, 1, b"dummy\0")
    message = struct.pack("IHHII", 16 + len(body + info), 16, 0x605, 1, 0) + body + info
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as n:
        n.settimeout(1)
        n.send(message)
        if struct.unpack_from("i", n.recv(1000), 16)[0] != 0:
            raise OSError("refused")


does("new device", add_dummy)
does("only the loopback", lambda: [n for _, n in socket.if_nameindex() if n not in ("lo", "tunl0", "sit0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6gre0")][0])
held()
