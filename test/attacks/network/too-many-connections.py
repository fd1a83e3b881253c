# Tries: to hold as many connections as it can, and as many conversations over UDP.
# Must:  have no more than its bound of both together, and go on with the ones it has.
import resource
import socket

resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
held = []
for _ in range(400):
    connection = socket.socket()
    connection.settimeout(5)
    try:
        connection.connect(("1.2.3.4", 7000))
        connection.recv(100)
        held.append(connection)
    except OSError:
        connection.close()
talking = 0
for _ in range(50):
    connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    connection.settimeout(0.5)
    connection.connect(("1.2.3.4", 7000))
    try:
        connection.send(b"x")
        connection.recv(100)
        talking += 1
    except OSError:
        pass
held[0].send(b"still here")
print(len(held), talking, held[0].recv(100).decode())
