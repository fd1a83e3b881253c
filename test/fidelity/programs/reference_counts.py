import gc
import sys
import weakref
from collections import OrderedDict


class Node:
    def __del__(self):
        print("deleted")


node = Node()
others = [node, node]
print(sys.getrefcount(node))
reference = weakref.ref(node, lambda _: print("forgotten"))
del others[:]
print(sys.getrefcount(node))
del node
print(reference())

made = OrderedDict(a=1)
print(sys.getrefcount(made))
text = "".join(["a", "b"])
before = sys.getrefcount(text)
held = [text] * 10
print(sys.getrefcount(text) - before)

gc.unfreeze()
print(gc.collect() >= 0, gc.get_freeze_count() >= 0)
