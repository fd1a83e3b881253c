class Mine(KeyboardInterrupt):
    pass


raise Mine("a kind of it")
