# Interfaces of the kernel that are large and have often been broken.
from attack import call, held

for name, x64, arm64, *args in (
    ("bpf", 321, 280, 0, 0, 0),
    ("perf_event_open", 298, 241, 0, 0, -1, -1, 0),
    ("userfaultfd", 323, 282, 0),
    ("userfaultfd user mode", 323, 282, 1),
    ("io_uring_setup", 425, 425, 1, 0),
    ("io_uring_enter", 426, 426, 1, 0, 0, 0, 0),
    ("io_uring_register", 427, 427, 1, 0, 0, 0),
    ("memfd_secret", 447, 447, 0),
    ("vmsplice", 278, 75, 1, 0, 0, 0),
    ("fanotify_init", 300, 262, 0, 0),
    ("quotactl", 179, 60, 0, 0, 0, 0),
    ("lookup_dcookie", 212, 18, 0, 0, 0),
    ("modify_ldt", 154, None, 0, 0, 0),
    ("mbind", 237, 235, 0, 4096, 0, 0, 0, 0),
    ("move_pages", 279, 239, 0, 0, 0, 0, 0, 0),
    ("migrate_pages", 256, 238, 0, 0, 0, 0),
    ("unknown call", 600, 600, 0),
    ("landlock's future", 470, 470, 0),
):
    call(name, x64, arm64, *args)
held()
