"""Whether what a job will send goes through its gateway's filter (docs/network.md)."""

# The gateway listens here, in the network that this container has joined.
_RESOLVER = ("127.0.0.1", 53)
# Closed to every job, whatever an operator opens (DEVICE_NETWORKS in src/sandbox/egress/ranges.ts).
_CLOSED = ("198.19.255.1", 9)
_WAIT_S = 5


def prove():
    """Raises OSError unless sockets of this container are the kernel's own, in the gateway's network, with the filter in force.

    A runtime with a network stack of its own (gVisor, Kata) has a loopback device of its own, too: nobody listens there.
    """
    # Takes a while to import, and few jobs have a network.
    import socket

    try:
        socket.create_connection(_RESOLVER, _WAIT_S).close()
    except OSError as error:
        raise OSError(f"the container’s network is not its gateway’s: {error}") from None
    try:
        socket.create_connection(_CLOSED, _WAIT_S).close()
    except ConnectionRefusedError:
        return
    except OSError as error:
        raise OSError(f"the network’s filter is not in force: {error}") from None
    raise OSError("the network’s filter is not in force")
