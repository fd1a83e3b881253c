# Speaks without end.
#: {"limits": {"outputBytes": 100000}, "exit": "output_limit", "outputBytes": 100000}
while True:
    print("x" * 1000)
