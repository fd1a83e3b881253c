# Makes packets by hand: ICMP, raw IP, frames.
import socket

from attack import does, held

does("raw ICMP", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
does("raw IP", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW))
does("raw IPv6", lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6))
does("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300))
does("packet, datagram", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0x0300))
held()
