/** Tells all that one job could have left for the next. Run before any attack and after each: it must say the same. */
export const WORLD = `
import builtins, json, os, random, resource, signal, stat, sys, threading
def listing(folder):
    return sorted(os.path.join(at, name) for at, folders, files in os.walk(folder) for name in folders + files if "fontlist" not in name and name not in (".cache", "matplotlib"))
print(json.dumps({
    "files": {folder: listing(folder) for folder in ("/tmp", "/dev/shm", "/workspace/output", "/workspace/code") if os.path.exists(folder)},
    "environment": sorted((k, v) for k, v in os.environ.items() if k != "JOB_ID"),
    "ipc": [sum(1 for _ in open("/proc/sysvipc/" + kind)) for kind in ("shm", "sem", "msg")],
    "processes": len([p for p in os.listdir("/proc") if p.isdigit()]),
    "interpreter": [len("four"), hasattr(builtins, "BROKEN"), "BROKEN" in sys.modules, sys.path, len(sys.meta_path) > 2, len(sys.path_hooks) > 1,
        sys.getrecursionlimit(), sys.excepthook is sys.__excepthook__, threading.active_count(), json.loads("[1]")],
    "process": [os.getuid() != 0, os.getcwd(), oct(os.umask(0)), [resource.getrlimit(n) for n in (resource.RLIMIT_NOFILE, resource.RLIMIT_STACK, resource.RLIMIT_AS, resource.RLIMIT_FSIZE)],
        sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))), os.uname().nodename],
    "cgroup": [line.strip().split(":")[2] for line in open("/proc/self/cgroup")],
    "mounts": len(open("/proc/self/mountinfo").readlines()),
}, sort_keys=True))
`;
