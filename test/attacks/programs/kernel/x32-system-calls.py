# Calls by numbers of the x32 architecture, which mean the same calls under other numbers: refused, or the end.
#: {"exitAmong": ["exited 0", "signaled SIGSYS"], "printsLike": "^(held\\n)?$"}
from attack import X64, call, held

if X64:
    for name, number in (("mount", 165), ("unshare", 272), ("ptrace", 521), ("open", 2), ("execve", 520)):
        call(name, 0x40000000 | number, None, 0x10000000, 0, 0, 0, 0)
held()
