# Families of sockets that lead to the hypervisor, to the kernel's cryptography, and to code that hardly anybody has tested.
import socket

from attack import does, held

families = {"VSOCK": 40, "ALG": 38, "NFC": 39, "XDP": 44, "KCM": 41, "BLUETOOTH": 31, "CAN": 29, "RDS": 21, "TIPC": 30, "X25": 9, "APPLETALK": 5, "RXRPC": 33, "SMC": 43, "QIPCRTR": 42, "KEY": 15}
for name, family in families.items():
    for kind in (1, 2, 3, 5):
        does(f"{name} {kind}", lambda: socket.socket(family, kind, 0))
        does(f"pair {name} {kind}", lambda: socket.socketpair(family, kind, 0))
for protocol in (4, 6, 9, 10, 12, 15, 16):  # sock_diag, xfrm, audit, fib, netfilter, uevents, generic
    does(f"NETLINK {protocol}", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol))
held()
