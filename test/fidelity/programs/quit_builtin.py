print(repr(quit), callable(exit), copyright.__class__.__name__)
quit(5)
