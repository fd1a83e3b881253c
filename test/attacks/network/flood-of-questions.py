# Tries: to drown the resolver: thousands of questions at once, of broken ones, of names that are none, over both transports.
# Must:  hurt nobody but itself: afterwards a question is answered as before.
import os
import socket
import time

RESOLVER = ("127.0.0.1", 53)
question = bytes.fromhex("1234010000010000000000000a" + b"unanswered".hex() + "00" + "00010001")
flood = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(10_000):
    try:
        flood.sendto((question, os.urandom(40), b"", question[:14] + b"\xff" * 40)[number % 4], RESOLVER)
    except OSError:
        pass
connections = []
for _ in range(30):
    connection = socket.socket()
    connection.settimeout(0.2)
    try:
        connection.connect(RESOLVER)
        connection.send(b"\xff\xff" + os.urandom(2000))
        connections.append(connection)
    except OSError:
        connection.close()
for connection in connections:
    connection.close()
flood.close()
for _ in range(20):
    try:
        print(socket.gethostbyname("four.example"))
        break
    except OSError:
        time.sleep(0.5)
