class Leave(SystemExit):
    pass


try:
    raise Leave(4)
finally:
    print("finally")
