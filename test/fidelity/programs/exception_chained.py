import traceback


def convert(text):
    try:
        return int(text)
    except ValueError as error:
        raise LookupError("no number") from error


try:
    convert("x")
except LookupError:
    traceback.print_exc()
try:
    try:
        {}["a"]
    finally:
        [][1]
except IndexError:
    try:
        raise TypeError("hidden") from None
    except TypeError:
        traceback.print_exc()
    raise RuntimeError("while handling")
