import threading

turns = [threading.Event() for _ in range(4)]


def work(number):
    turns[number].wait()
    print("thread", number, threading.current_thread().name, flush=True)
    turns[number + 1].set()


for number in range(3):
    threading.Thread(target=work, args=(number,)).start()
print("main is done", threading.active_count())
turns[0].set()
