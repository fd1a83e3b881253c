import multiprocessing
import os
import sys


def work(queue, number):
    queue.put((number * 2, __name__, os.getppid() != 0, multiprocessing.current_process().name))


if __name__ == "__main__":
    print(multiprocessing.get_start_method(), multiprocessing.current_process().name)
    for method in sys.argv[1:]:
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        process = context.Process(target=work, args=(queue, 21))
        process.start()
        print(method, queue.get(), process.join(), process.exitcode)
