# Leaves shared memory, semaphores and message queues that outlive their processes.
from attack import held, libc

libc.shmget(0x1234, 4096, 0o1666)
libc.semget(0x1234, 1, 0o1666)
libc.msgget(0x1234, 0o1666)
try:
    libc.mq_open(b"/left", 0o102, 0o666, None)
    # POSIX shared memory as shm_open makes it, without multiprocessing's tracker, which would tidy it up and say so.
    with open("/dev/shm/left", "wb") as shared:
        shared.truncate(4096)
except Exception:
    pass
held()
