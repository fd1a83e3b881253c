"""A matplotlib backend for jobs: what a program shows, or leaves open at its end, becomes a PNG in its output folder.

Chosen by MPLBACKEND=module://job_runner_plots. Draws as Agg does, and changes nothing else that a program could notice:
whatever goes wrong in here is no reason for the program to fail. Python 3.9, matplotlib 3.6 and later.
"""

import atexit
import contextlib
import os
import time

from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

# At the program's end: more figures, or slower ones, were hardly meant to be looked at.
_MAX_FIGURES = 50
_MAX_SECONDS = 10.0

_process = None
_shown = None


class FigureManager(FigureManagerBase):
    def show(self):
        _keep(self.canvas.figure)


class FigureCanvas(FigureCanvasAgg):
    manager_class = FigureManager

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _watch_for_the_end()

    def print_figure(self, filename, *args, **kwargs):
        figure = self.figure
        if _shown is not None and figure is not _shown and _is_empty(figure):
            # plt.savefig() after plt.show() asks for what was shown, not for an empty page.
            return _shown.canvas.print_figure(filename, *args, **kwargs)
        result = super().print_figure(filename, *args, **kwargs)
        if _is_kept(filename):
            figure._job_runner_kept = True
        return result


def show(*args, **kwargs):
    """Keeps all open figures and closes them, as a window that is looked at and closed would."""
    global _shown
    for manager in Gcf.get_all_fig_managers():
        _keep(manager.canvas.figure)
        _shown = manager.canvas.figure
    Gcf.destroy_all()


def _is_empty(figure):
    # The first child is the page itself.
    return len(figure.get_children()) == 1


def _is_kept(filename):
    """Whether a file that the program writes itself will be among its artifacts."""
    try:
        path = os.path.realpath(os.fspath(filename))
        kept = (os.environ["JOB_OUTPUT_DIR"], os.getcwd())
        return any(path.startswith(os.path.realpath(folder) + os.sep) for folder in kept)
    except Exception:
        return False


def _keep(figure):
    if getattr(figure, "_job_runner_kept", False) or _is_empty(figure):
        return
    with contextlib.suppress(Exception):
        file = _new_file(os.environ["JOB_OUTPUT_DIR"])
        try:
            with file:
                figure.savefig(file, format="png")
        except BaseException:
            # Half a picture is none.
            os.remove(file.name)
            raise
        figure._job_runner_kept = True


def _new_file(folder):
    number = 1
    while True:
        name = "figure-%d.png" % number
        try:
            # In the current folder it would be an artifact of the same name.
            if not os.path.exists(name):
                return open(os.path.join(folder, name), "xb")
        except FileExistsError:
            pass
        number += 1


def _watch_for_the_end():
    """From the first figure on: the module may have been imported by a process that this one was forked from."""
    global _process
    if _process != os.getpid():
        _process = os.getpid()
        atexit.register(_keep_what_is_open)


def _keep_what_is_open():
    # Children that the program has forked have its figures too.
    if _process != os.getpid():
        return
    begun = time.monotonic()
    for manager in Gcf.get_all_fig_managers()[:_MAX_FIGURES]:
        if time.monotonic() - begun > _MAX_SECONDS:
            return
        _keep(manager.canvas.figure)
