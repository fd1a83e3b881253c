import atexit

for number in range(3):
    atexit.register(print, "last words", number)
atexit.unregister(len)
print("end of file")
