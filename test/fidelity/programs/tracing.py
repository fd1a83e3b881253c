import sys

seen = []
sys.settrace(lambda frame, event, argument: seen.append((event, frame.f_code.co_name)))


def traced():
    return 1


traced()
sys.settrace(None)
print(seen)
