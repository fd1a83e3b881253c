# Tries: to change what confines it: addresses, routes and devices over netlink and ioctl, the packet filter's own socket, settings
#        below /proc/sys, raw and packet sockets, namespaces of its own and of others.
# Must:  be refused, each of them.
import ctypes
import fcntl
import os
import socket
import struct

libc = ctypes.CDLL(None, use_errno=True)
NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
DEVICE = next(name for _, name in socket.if_nameindex() if name != "lo")


def attempt(what, action):
    try:
        action()
        print(f"DONE: {what}")
    except OSError:
        pass


def call(result):
    if result == -1:
        raise OSError(ctypes.get_errno(), "")


def netlink(kind, body):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as connection:
        connection.send(struct.pack("IHHII", 16 + len(body), kind, 0x605, 1, 0) + body)
        error = struct.unpack_from("i", connection.recv(4096), 16)[0]
        if error != 0:
            raise OSError(-error, "")


def interface_ioctl(request, layout, *values):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        fcntl.ioctl(connection, request, struct.pack(layout, *values))


def write(path):
    with open(path, "w") as file:
        file.write("1")


index = socket.if_nametoindex(DEVICE)
attempt("a route", lambda: netlink(24, struct.pack("BBBBBBBBI", 2, 32, 0, 0, 254, 3, 0, 1, 0)))
attempt("an address", lambda: netlink(20, struct.pack("BBBBI", 2, 32, 0, 0, index) + struct.pack("HH4s", 8, 2, socket.inet_aton("10.99.0.9"))))
attempt("a device", lambda: netlink(16, struct.pack("BBHiII", 0, 0, 0, index, 0, 1)))
attempt("the device's address", lambda: interface_ioctl(0x8916, "16sHH4s16x", DEVICE.encode(), 2, 0, socket.inet_aton("10.99.0.9")))
attempt("the device's flags", lambda: interface_ioctl(0x8914, "16sH22x", DEVICE.encode(), 0))
attempt("the filter's socket", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER))
attempt("a raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP))
attempt("a raw socket over IPv6", lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6))
attempt("a packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
attempt("a ping socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP))
attempt("the port of DNS", lambda: socket.create_server(("127.0.0.53", 53)))
attempt("the tun device", lambda: os.open("/dev/net/tun", os.O_RDWR))
attempt("forwarding", lambda: write("/proc/sys/net/ipv4/ip_forward"))
attempt("the range of pings", lambda: write("/proc/sys/net/ipv4/ping_group_range"))
attempt("a network namespace", lambda: call(libc.unshare(0x40000000)))
attempt("a user namespace", lambda: call(libc.unshare(0x10000000)))
for pid in (pid for pid in os.listdir("/proc") if pid.isdigit()):
    attempt(f"the namespace of {pid}", lambda: call(libc.setns(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY), 0)))
print("done")
