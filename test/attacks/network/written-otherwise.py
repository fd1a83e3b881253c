# Tries: a private address in the forms that filters of text overlook: mapped and embedded in IPv6, octal, hexadecimal, one number.
# Must:  be refused: what counts is the address that the kernel sends to.
import socket

FORMS = [
    "::ffff:10.99.0.1",
    "::ffff:a63:1",
    "::10.99.0.1",
    "::ffff:0:10.99.0.1",
    "64:ff9b::10.99.0.1",
    "2002:a63:1::",
    "012.0143.0.1",
    "0x0a.0x63.0.1",
    "10.99.1",
    "174260225",
    "0x0a630001",
    "0",
    "0.0.0.0",
    "::",
]
for form in FORMS:
    try:
        with socket.create_connection((form, 7000), 3) as connection:
            print(f"REACHED {form}: {connection.recv(100)!r}")
    except OSError:
        pass
print("done")
