# Takes the processor from everybody else: real-time scheduling, negative nice, idle others.
import ctypes
import os
import resource

from attack import does, held

does("FIFO", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)))
does("RR", lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)))
does("nice", lambda: os.setpriority(os.PRIO_PROCESS, 0, -20))
does("nice of all", lambda: os.nice(-5))
does("more files", lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 20, 1 << 20)))
does("core files", lambda: resource.setrlimit(resource.RLIMIT_CORE, (1, resource.RLIM_INFINITY)))
does("locked memory", lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 30, 1 << 30)))
held()
