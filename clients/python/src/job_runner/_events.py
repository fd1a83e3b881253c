"""A job's events, followed across broken connections and restarts of the service."""

from __future__ import annotations

import json
import threading
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from ._http import BROKEN, Answer, Http, path_of
from ._patience import Patience
from .errors import JobRunnerError
from .models import Artifact, ArtifactEvent, EndEvent, Event, Job, LogEvent, StatusEvent, build

#: The service says something every 15 seconds. A connection that is silent for so long leads nowhere.
_SILENT = 60.0
#: As the service's `retry:` has it.
_FIRST_DELAY = 1.0
_CHUNK = 64 * 1024


def _event_of(name: str, data: str) -> Optional[Event]:
    raw: Any = json.loads(data)
    if name in ("stdout", "stderr", "runner"):
        return build(LogEvent, raw, type=name)
    if name == "status":
        return build(StatusEvent, raw, type=name)
    if name == "artifact":
        return ArtifactEvent(name, build(Artifact, raw))
    if name == "end":
        return EndEvent(name, Job.of(raw["job"]))
    # Newer services may tell more.
    return None


class _Frames:
    """Server-sent events (WHATWG HTML §9.2), as the service writes them: its lines end with a line feed."""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: Dict[str, List[str]] = {}

    def feed(self, part: bytes) -> Iterator[Tuple[str, str]]:
        *lines, self._rest = (self._rest + part).split(b"\n") if b"\n" in part else (self._rest + part,)
        for line in lines:
            name, _, value = line.decode("utf-8", "replace").rstrip("\r").partition(":")
            if name:
                self._fields.setdefault(name, []).append(value[1:] if value.startswith(" ") else value)
            elif line.strip() == b"":
                fields, self._fields = self._fields, {}
                if "data" in fields:
                    yield fields.get("event", ["message"])[-1], "\n".join(fields["data"])


class EventStream:
    """Everything about a job until its end, each log entry once. An iterator, and a context manager that lets go."""

    def __init__(self, http: Http, id: str, after: int, reconnect_for: float) -> None:
        self._http = http
        self._id = id
        self._last = after
        self._patience = Patience(reconnect_for, _FIRST_DELAY)
        self._answer: Optional[Answer] = None
        self._frames = _Frames()
        self._closed = threading.Event()
        #: Held by whoever reads.
        self._reading = threading.Lock()
        self._status: Optional[Tuple[str, int]] = None
        self._artifacts: Set[str] = set()
        self._ready: List[Event] = []

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if not self._ready:
            self._ready = self.next_batch()[::-1]
        if not self._ready:
            raise StopIteration
        return self._ready.pop()

    def __enter__(self) -> EventStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the stream, also while another thread waits for its next event."""
        self._closed.set()
        answer = self._answer
        if answer is not None:
            answer.shut_down()
        # A thread that reads hangs up itself: a socket must not go while it is in use.
        if self._reading.acquire(blocking=False):
            self._hang_up()
            self._reading.release()

    def next_batch(self) -> List[Event]:
        """What comes next, at least one event; nothing after the end."""
        with self._reading:
            batch: List[Event] = []
            while not batch and not self._closed.is_set():
                try:
                    batch = self._read()
                except JobRunnerError as error:
                    self._hang_up()
                    if not self._closed.is_set():
                        self._patience.after(error, self._closed)
            self._patience.renew()
            if self._closed.is_set():
                self._hang_up()
            return batch

    def _hang_up(self) -> None:
        answer, self._answer = self._answer, None
        self._frames = _Frames()
        if answer is not None:
            answer.close()

    def _read(self) -> List[Event]:
        try:
            if self._answer is None:
                headers = {"accept": "text/event-stream"}
                if self._last > 0:
                    headers["last-event-id"] = str(self._last)
                self._answer = self._http.once("GET", path_of("jobs", self._id, "events"), headers=headers)
                self._answer.wait_at_most(_SILENT)
                if self._closed.is_set():
                    return []
            part = self._answer.response.read1(_CHUNK)
        except BROKEN as error:
            raise self._http.unreachable(error) from error
        except (AttributeError, ValueError) as error:
            # What http.client says of a response that was closed while it was read.
            raise self._http.unreachable(error) from error
        if part == b"":
            raise JobRunnerError("the connection ended before the job did", code="unreachable")
        batch: List[Event] = []
        for name, data in self._frames.feed(part):
            event = _event_of(name, data)
            if event is not None and self._is_news(event):
                batch.append(event)
        return batch

    def _is_news(self, event: Event) -> bool:
        """A connection begins with the status, and artifacts have no number: both may be told again."""
        if isinstance(event, LogEvent):
            is_news = event.seq > self._last
            self._last = max(self._last, event.seq)
            return is_news
        if isinstance(event, StatusEvent):
            status = (event.status, event.attempt)
            is_news, self._status = status != self._status, status
            return is_news
        if isinstance(event, ArtifactEvent):
            is_news = event.artifact.name not in self._artifacts
            self._artifacts.add(event.artifact.name)
            return is_news
        self._closed.set()
        return True
