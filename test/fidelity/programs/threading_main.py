import os
import threading

main = threading.main_thread()
print(main.name, main is threading.current_thread(), main.ident == threading.get_ident(), main.daemon)
print(main.native_id == os.getpid() == threading.get_native_id(), threading.active_count(), len(threading.enumerate()))
print(threading.stack_size(), threading.gettrace() if hasattr(threading, "gettrace") else None)
