# Takes memory until there is no more.
#: {"limits": {"memoryBytes": 67108864}, "exit": "oom", "prints": ""}
taken = []
while True:
    taken.append(bytearray(8_000_000))
