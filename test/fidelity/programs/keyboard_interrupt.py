def work():
    raise KeyboardInterrupt


print("before")
work()
