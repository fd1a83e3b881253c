import os
import resource
import socket

for name in ("CPU", "FSIZE", "DATA", "STACK", "CORE", "NPROC", "NOFILE", "MEMLOCK", "AS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO"):
    print(name, resource.getrlimit(getattr(resource, f"RLIMIT_{name}")))
with open("/proc/self/status") as file:
    for line in file:
        if line.startswith(("Cap", "NoNewPrivs", "Seccomp", "Uid", "Gid", "Groups", "Sig", "Shd", "Umask", "TracerPid", "NSpid", "Threads")):
            print(line.strip())
print(os.getuid(), os.geteuid(), os.getgid(), os.getgroups(), os.getpid(), os.getsid(0), os.getpgid(0), os.getpriority(0, 0))
print(socket.gethostname(), os.uname().nodename, os.sched_getscheduler(0), open("/proc/self/oom_score_adj").read())
print(open("/proc/self/cgroup").read(), socket.if_nameindex())
print(open("/proc/self/uid_map").read().split()[0::2], open("/proc/self/setgroups").read())
print(sorted(os.listdir("/dev")), sorted(os.listdir("/etc")), sorted(os.listdir("/workspace")), sorted(os.listdir("/tmp")))
for path in ("/", "/tmp", "/dev", "/dev/shm", "/proc", "/proc/sys", "/usr", "/etc", "/workspace", "/workspace/code", "/workspace/input", "/workspace/output", "/opt"):
    found = os.statvfs(path)
    # The folders that bubblewrap makes belong to whoever starts it, and are mounted read-only.
    made = path in ("/", "/dev", "/opt", "/workspace")
    print(path, made or (oct(os.stat(path).st_mode), os.stat(path).st_uid), found.f_flag & (os.ST_RDONLY | os.ST_NOSUID | os.ST_NODEV), os.access(path, os.W_OK))
print(os.path.realpath("/mnt/data"), os.path.realpath("/var/tmp"), os.path.realpath("/dev/stdout").split(":")[0], os.ttyname(0) if os.isatty(0) else None)
