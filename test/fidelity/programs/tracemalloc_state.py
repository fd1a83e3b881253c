import tracemalloc

print(tracemalloc.is_tracing(), tracemalloc.get_traceback_limit())
tracemalloc.start()
kept = bytearray(1_000_000)
print(tracemalloc.get_traced_memory()[0] > 1_000_000, tracemalloc.get_object_traceback(kept))
