import os
import threading

reader, writer = os.pipe()
file = open(writer, "wb")
begun = threading.Event()


def fill():
    begun.set()
    while True:
        file.write(bytes(1 << 20))


threading.Thread(target=fill, daemon=True).start()
begun.wait()
print("not waited for")
