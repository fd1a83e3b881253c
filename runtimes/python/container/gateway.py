# Keeps one job's network: the first process of the container whose network namespace the job's container joins. It decides nothing: it
# carries the packet filter's rules from the service to nft, and the job's DNS questions to the service and the answers back
# (src/sandbox/egress). The job joins after the first rules are in place, with no right over this namespace.
#
# Standard input and output lead to the service. Frames, each way, as libexec/job-network.pl has them, which does the same where there are
# no containers: 32 bits of length, then a type, a number of 32 bits, and bytes:
#   A  (to here)    rules for nft                R  their result: nothing, or what nft said
#   Q  (from here)  a DNS message; before it a byte, 1 when it came over TCP
#   W  (to here)    the answer to the question of that number; nothing when there is none
#   P  (to here)    a sign of life: who hears nothing for a while ends, and with it the network
import os
import select
import signal
import socket
import struct
import subprocess
import time

NFT = ("/usr/sbin/nft", "/usr/bin/nft", "/sbin/nft")
RESOLVER = ("127.0.0.1", 53)
SILENCE_S = 60

# What a job's questions may take of us: unanswered ones at once, connections, questions in any second.
MAX_WAITING, MAX_CONNECTIONS, MAX_PER_SECOND = 64, 16, 200
MAX_DATAGRAM, MAX_MESSAGE = 4096, 65535
HEAD = struct.Struct(">IcI")


def apply(script):
    """All of the rules or none of them: a script of nft's is one transaction."""
    nft = next((path for path in NFT if os.access(path, os.X_OK)), None)
    if nft is None:
        return b"not in the image"
    ran = subprocess.run([nft, "-f", "-"], input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return b"" if ran.returncode == 0 else ran.stdout[:1000] or b"ended with %d" % ran.returncode


def send(kind, number, payload):
    frame = HEAD.pack(5 + len(payload), kind, number) + payload
    while frame:
        frame = frame[os.write(1, frame) :]


class Gateway:
    def __init__(self):
        self.received = bytearray()
        self.waiting = {}
        self.connections = {}
        self.number = self.count = 0
        self.second = None
        # Where the engine has a resolver of its own, the job's names would go there.
        with open("/etc/resolv.conf", "w") as file:
            file.write("nameserver 127.0.0.1\n")
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(RESOLVER)
        self.listener = socket.create_server(RESOLVER, backlog=MAX_CONNECTIONS)
        for each in (self.datagrams, self.listener):
            each.setblocking(False)

    def serve(self):
        while True:
            now = int(time.monotonic())
            if now != self.second:
                self.second, self.count = now, 0
            # Those that are not read wait in the sockets, and are dropped there when they are too many.
            hear = len(self.waiting) < MAX_WAITING and self.count < MAX_PER_SECOND
            poll = select.poll()
            poll.register(0, select.POLLIN)
            if hear:
                poll.register(self.datagrams, select.POLLIN)
                if len(self.connections) < MAX_CONNECTIONS:
                    poll.register(self.listener, select.POLLIN)
                for fd, connection in self.connections.items():
                    if len(connection.unread) < 2 + MAX_MESSAGE:
                        poll.register(fd, select.POLLIN)
            for fd, _ in poll.poll(None if hear else 100):
                if fd == 0:
                    if not self.hear():
                        return
                elif fd == self.datagrams.fileno():
                    self.hear_datagram()
                elif fd == self.listener.fileno():
                    self.accept()
                elif fd in self.connections:
                    self.hear_connection(self.connections[fd])
            for connection in self.connections.values():
                self.ask_for(connection)

    # --- the service

    def hear(self):
        part = os.read(0, 65536)
        self.received += part
        signal.alarm(SILENCE_S)
        while len(self.received) >= HEAD.size:
            length, kind, number = HEAD.unpack_from(self.received)
            if len(self.received) < 4 + length:
                break
            payload = bytes(self.received[HEAD.size : 4 + length])
            del self.received[: 4 + length]
            if kind == b"A":
                send(b"R", number, apply(payload))
            elif kind == b"W":
                asker = self.waiting.pop(number, None)
                if asker is not None and payload:
                    asker(payload)
        return bool(part)

    def ask(self, by_tcp, message, asker):
        self.number = (self.number + 1) & 0xFFFFFFFF
        self.waiting[self.number] = asker
        self.count += 1
        send(b"Q", self.number, (b"\1" if by_tcp else b"\0") + message)

    # --- the job

    def hear_datagram(self):
        try:
            message, sender = self.datagrams.recvfrom(MAX_DATAGRAM)
        except OSError:
            return
        if message:
            self.ask(False, message, lambda answer: self.answer_datagram(answer, sender))

    def answer_datagram(self, answer, sender):
        try:
            self.datagrams.sendto(answer, sender)
        except OSError:
            pass  # Nobody waits for it any more, or it is longer than datagrams are.

    def accept(self):
        try:
            accepted, _ = self.listener.accept()
        except OSError:
            return
        accepted.setblocking(False)
        self.connections[accepted.fileno()] = Connection(accepted)

    def hear_connection(self, connection):
        try:
            part = connection.socket.recv(MAX_MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if part:
            connection.unread += part
        else:
            self.close(connection)

    def ask_for(self, connection):
        unread = connection.unread
        while len(self.waiting) < MAX_WAITING and len(unread) >= 2:
            end = 2 + int.from_bytes(unread[:2], "big")
            if len(unread) < end:
                return
            message = bytes(unread[2:end])
            del unread[:end]
            self.ask(True, message, lambda answer: self.answer_connection(connection, answer))

    def answer_connection(self, connection, answer):
        framed = struct.pack(">H", len(answer)) + answer
        try:
            sent = connection.socket.send(framed)
        except OSError:
            sent = 0
        # Nobody waits here for a job that doesn't read.
        if sent < len(framed):
            self.close(connection)

    def close(self, connection):
        # Its number is -1 once it is closed, and may be another's.
        if self.connections.get(connection.socket.fileno()) is connection:
            del self.connections[connection.socket.fileno()]
        connection.socket.close()


class Connection:
    def __init__(self, socket):
        self.socket = socket
        self.unread = bytearray()


# Process 1 heeds no signal that it has no handler for.
for each in (signal.SIGTERM, signal.SIGALRM):
    signal.signal(each, lambda *_: os._exit(0))
signal.alarm(SILENCE_S)
Gateway().serve()
