# Calls the kernel as a 32-bit program does: a filter that knows the numbers of one architecture would take them for others.
#: {"exit": "signaled SIGSYS", "prints": ""}
import ctypes
import mmap
import os

from attack import X64, held

if not X64:
    os.kill(os.getpid(), 31)
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid there, writev here); int 0x80; ret
ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
held()
