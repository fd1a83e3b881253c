from __future__ import annotations

import sys


def function(a: nothing_there) -> also_nothing:
    return 1


print(function.__annotations__, eval("1 / 2"), sys.flags)
