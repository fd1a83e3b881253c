# Starts with signals blocked or ignored that its programs rely on.
import signal

from attack import held

if signal.pthread_sigmask(signal.SIG_BLOCK, []):
    print("BROKEN mask")
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGCHLD, signal.SIGALRM):
    if signal.getsignal(number) is not signal.SIG_DFL:
        print("BROKEN", number, signal.getsignal(number))
held()
