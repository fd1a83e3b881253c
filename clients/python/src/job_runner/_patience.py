"""How long to go on trying, and how long to wait between two tries."""

from __future__ import annotations

import random
import threading
import time
from typing import Optional

from .errors import JobRunnerError

#: Answers that say "not now": a service that starts or is busy, and what proxies say of one that is not there.
_PASSING = {429, 502, 503, 504}
_MAX_DELAY = 10.0


class Patience:
    def __init__(self, seconds: float, first_delay: float = 0.2) -> None:
        self._seconds = seconds
        self._first_delay = first_delay
        self._delay = first_delay
        self._failing_since: Optional[float] = None

    def after(self, error: JobRunnerError, left: threading.Event) -> None:
        """Waits, or raises the failure when it will not pass or has gone on for too long. ``left`` ends the wait.

        Delays grow, and no two clients that lost the same service come back in the same moment."""
        if error.code != "unreachable" and error.status not in _PASSING:
            raise error
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        wait = max(error.retry_after or 0.0, self._delay * random.uniform(0.5, 1.0))
        if now - self._failing_since + wait > self._seconds:
            raise error
        self._delay = min(self._delay * 2, _MAX_DELAY)
        left.wait(wait)

    def renew(self) -> None:
        """There was an answer: the next failure is the first again."""
        self._failing_since = None
        self._delay = self._first_delay
