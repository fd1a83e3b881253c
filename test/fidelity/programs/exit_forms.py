import sys

forms = [
    None,
    0,
    3,
    -1,
    256,
    True,
    2**32 + 5,
    2**31,
    2**62 + 6,
    -(2**62),
    1.5,
    "some words",
    ("a", 1),
    b"bytes",
    [],
    "",
]
sys.exit(forms[int(sys.argv[1])])
