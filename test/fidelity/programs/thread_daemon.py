import threading

event = threading.Event()
threading.Thread(target=event.wait, daemon=True).start()
print("not waited for")
