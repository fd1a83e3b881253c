class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("del", self.name)


first = Noisy("first")
_second = Noisy("second")
cycle = Noisy("cycle")
cycle.itself = cycle
del cycle
held = [Noisy("in a list")]
third = Noisy("third")
print("end of file")
