# Modules, other kernels, swap, accounting, clocks, names, power.
from attack import call, held

for name, x64, arm64, *args in (
    ("init_module", 175, 105, b"", 0, b""),
    ("finit_module", 313, 273, 0, b"", 0),
    ("delete_module", 176, 106, b"loop", 0),
    ("kexec_load", 246, 104, 0, 0, 0, 0),
    ("kexec_file_load", 320, 294, 0, 0, 0, 0, 0),
    ("reboot", 169, 142, 0xFEE1DEAD, 672274793, 0x89ABCDEF, 0),
    ("swapon", 167, 224, b"/tmp/x", 0),
    ("swapoff", 168, 225, b"/swap"),
    ("acct", 163, 89, b"/tmp/acct"),
    ("settimeofday", 164, 170, 0, 0),
    ("clock_settime", 227, 112, 0, b"\0" * 16),
    ("adjtimex", 159, 171, b"\1" * 208),
    ("clock_adjtime", 305, 266, 0, b"\1" * 208),
    ("sethostname", 170, 161, b"x", 1),
    ("setdomainname", 171, 162, b"x", 1),
    ("syslog", 103, 116, 3, 0, 0),
    ("iopl", 172, None, 3),
    ("ioperm", 173, None, 0, 1, 1),
    ("vhangup", 153, 58),
    ("personality", 135, 92, 0x0040000),
):
    call(name, x64, arm64, *args)
held()
