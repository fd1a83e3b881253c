import gc

print(gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks, gc.garbage)


class Cycle:
    def __del__(self):
        print("collected")


cycle = Cycle()
cycle.itself = cycle
del cycle
print(gc.collect() > 0)
