# Leaves shared memory, semaphores and message queues that outlive their processes.
from attack import held, libc

libc.shmget(0x1234, 4096, 0o1666)
libc.semget(0x1234, 1, 0o1666)
libc.msgget(0x1234, 0o1666)
try:
    libc.mq_open(b"/left", 0o102, 0o666, None)
    import multiprocessing.shared_memory as shared

    shared.SharedMemory("left", create=True, size=4096).close()
except Exception:
    pass
held()
