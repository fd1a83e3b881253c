"""A Python that waits for its job in a container of its own, with everything imported (docs/sandbox.md).

Started by the init, already as the job's user and without rights: what isolates a job is around this process before it begins.
Descriptor 3 tells the init that it is ready, 4 brings the job's words.
"""

import sys

# The folder of this file must not be where the job's imports look.
_HERE = sys.path.pop(0)
sys.path.append(_HERE)
import program  # noqa: E402

sys.path.pop()

import json  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402


def import_all(names):
    for name in names:
        try:
            __import__(name)
        except ImportError:
            pass  # Told when the job imports it.


def wait_for_job():
    import_all(json.loads(sys.argv[1]))
    program.warm_up()
    program.get_ready()
    # A program's own modules may have the names of ours.
    ours = [name for name, each in sys.modules.items() if (getattr(each, "__file__", None) or "").startswith(_HERE + "/")]
    for name in ours:
        if name != "__main__":
            del sys.modules[name]
    used = resource.getrusage(resource.RUSAGE_SELF)
    names = " ".join(name for name in sys.modules if "." not in name)
    text = f"ready {round((used.ru_utime + used.ru_stime) * 1e6)} {names}".encode()
    while text:
        text = text[os.write(3, text) :]
    os.close(3)
    words = program.wait_for_words(4)
    os.close(4)
    job = json.loads(words)
    for number, limit in job["limits"]:
        resource.setrlimit(number, (limit, limit))
    program.take_place(job)
    return job


job = wait_for_job()
# Here and not in a function: each would be one more in a program's stack.
with program.Run(job) as this:
    exec(this.code, this.namespace)
this.end()
