# Tries: a name that is public while it is looked at, and private when it is connected to.
# Must:  reach the public address; afterwards the name stands for nothing, and the private address is refused without it, too.
import socket

for attempt in range(3):
    try:
        with socket.create_connection(("rebind.example", 7000), 3) as connection:
            print(attempt, connection.recv(100).decode().split()[0])
    except OSError as error:
        print(attempt, type(error).__name__)
