# Has the dynamic linker load its library into whatever starts it.
#: {"env": {"LD_PRELOAD": "/workspace/code/evil.so", "LD_LIBRARY_PATH": "/workspace/code", "LD_AUDIT": "/workspace/code/evil.so", "GCONV_PATH": "/workspace/code"}, "printsLike": "held\n$"}
from attack import held

held()
