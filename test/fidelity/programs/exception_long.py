class Odd(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def again(depth):
    if depth:
        again(depth - 1)
    raise Odd


again(20)
