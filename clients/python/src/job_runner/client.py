"""The client for programs without an event loop; `aio` has the other one."""

from __future__ import annotations

import os
import ssl
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Optional, Sequence, Union

from ._download import Download, place_in, save
from ._events import EventStream
from ._form import CodeLike, Form, InputLike
from ._http import Answer, Http, path_of, read_json, read_text
from .errors import JobRunnerError
from .models import (
    Artifact,
    ArtifactEvent,
    EndEvent,
    Event,
    Job,
    JobCreated,
    JobPage,
    JobView,
    LogEvent,
    RunResult,
    Runtime,
    build,
)
from .spec import Spec

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Client:
    """A Job Runner. Calls raise :class:`JobRunnerError`. It holds no connection, and any thread may use it.

    :param url: where the service is; a path in front of its own is kept
    :param api_key: sent as ``Authorization: Bearer``
    :param timeout: seconds for an answer to begin
    :param retry_for: seconds for which a request is tried again while the service can't be reached or says "not now"
    :param reconnect_for: the same for following a job, counted from the last sign of life
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: Optional[str] = None,
        timeout: float = 60.0,
        retry_for: float = 30.0,
        reconnect_for: float = 300.0,
        ssl_context: Optional[ssl.SSLContext] = None,
    ) -> None:
        self._http = Http(url, api_key, timeout, retry_for, ssl_context)
        self._reconnect_for = reconnect_for

    def run(
        self,
        code: CodeLike,
        *,
        input: InputLike = (),
        on_event: Optional[Callable[[Event], None]] = None,
        idempotency_key: Optional[str] = None,
        **spec: Unpack[Spec],
    ) -> RunResult:
        """Submits a program and follows it to its end. An interruption (Ctrl-C) cancels the job."""
        spec.setdefault("split_output", True)
        created = self.submit(code, input=input, idempotency_key=idempotency_key, **spec)
        try:
            with self.events(created.job_id) as events:
                return collect(events, on_event)
        except (KeyboardInterrupt, SystemExit):
            self.cancel_quietly(created.job_id)
            raise

    def submit(
        self,
        code: CodeLike,
        *,
        input: InputLike = (),
        idempotency_key: Optional[str] = None,
        **spec: Unpack[Spec],
    ) -> JobCreated:
        """Returns when the service has accepted the job. Requests that must be repeated make one job."""
        headers = {"idempotency-key": idempotency_key or uuid.uuid4().hex}
        form = Form(code, input, spec)
        return build(JobCreated, self._http.send("POST", "/jobs", read_json, headers=headers, form=form))

    def get(self, id: str) -> Job:
        return self.view(id).job

    def view(self, id: str) -> JobView:
        """The job, and how long its log is by now."""
        return _view(self._http.send("GET", path_of("jobs", id), read_json))

    def list(
        self,
        *,
        status: Optional[str] = None,
        label: Union[str, Sequence[str], None] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
    ) -> JobPage:
        """A page of jobs, newest first. ``label`` is ``name`` or ``name=value``; of several, all must match."""
        labels = (label,) if isinstance(label, str) else tuple(label or ())
        query = {"status": status, "label": labels or None, "limit": limit, "cursor": cursor}
        page = self._http.send("GET", "/jobs", read_json, query=query)
        return JobPage([Job.of(each) for each in page["jobs"]], page["next"])

    def list_all(
        self,
        *,
        status: Optional[str] = None,
        label: Union[str, Sequence[str], None] = None,
        limit: Optional[int] = None,
    ) -> Iterator[Job]:
        """All jobs, newest first, ``limit`` at a time."""
        cursor: Optional[str] = None
        while True:
            page = self.list(status=status, label=label, limit=limit, cursor=cursor)
            yield from page.jobs
            cursor = page.next
            if cursor is None:
                return

    def cancel(self, id: str) -> Job:
        """Ends a queued or running job; one that is over stays as it is."""
        return _view(self._http.send("POST", path_of("jobs", id, "cancel"), read_json)).job

    def cancel_quietly(self, id: str) -> None:
        """In one try: nobody waits for the job any more. That it can't be told so doesn't change why."""
        try:
            self._http.once("POST", path_of("jobs", id, "cancel")).close()
        except JobRunnerError:
            pass

    def delete(self, id: str) -> None:
        """Removes a finished job with its log and files."""
        # Not repeated: the second time it would not be found.
        self._http.send("DELETE", path_of("jobs", id), Answer.close, repeatable=False)

    def logs(self, id: str) -> str:
        """The log so far."""
        return self._http.send("GET", path_of("jobs", id, "logs"), read_text)

    def events(self, id: str, *, after: int = 0) -> EventStream:
        """Everything about a job as it happens, until its end; goes on by itself where a connection broke."""
        return EventStream(self._http, id, after, self._reconnect_for)

    def artifacts(self, id: str) -> List[Artifact]:
        answer: Any = self._http.send("GET", path_of("jobs", id, "artifacts"), read_json)
        return [build(Artifact, each) for each in answer["artifacts"]]

    def artifact(self, id: str, name: str) -> Download:
        """One file."""
        return self._download(path_of("jobs", id, "artifacts", *name.split("/")))

    def zip(self, id: str) -> Download:
        """All files in one."""
        return self._download(path_of("jobs", id, "artifacts.zip"))

    def save_artifact(self, id: str, artifact: Artifact, into: Union[str, os.PathLike[str]]) -> Path:
        """Saves one file below a folder. It appears there when all of it has come and its SHA-256 is right."""
        path = place_in(into, artifact.name)
        with self.artifact(id, artifact.name) as download:
            save(download, path, artifact.sha256)
        return path

    def save_artifacts(self, id: str, into: Union[str, os.PathLike[str]]) -> List[Path]:
        """Saves all files of a job below a folder."""
        return [self.save_artifact(id, each, into) for each in self.artifacts(id)]

    def runtimes(self) -> List[Runtime]:
        """What can run, the default first."""
        return [build(Runtime, each) for each in self._http.send("GET", "/runtimes", read_json)["runtimes"]]

    def _download(self, path: str) -> Download:
        return self._http.send("GET", path, lambda answer: Download(self._http, answer))


def _view(raw: Any) -> JobView:
    return JobView(Job.of(raw["job"]), raw["log_lines"])


def collect(events: EventStream, on_event: Optional[Callable[[Event], None]]) -> RunResult:
    """Follows a job to its end."""
    output = {"stdout": [""], "stderr": [""], "runner": [""]}
    artifacts: List[Artifact] = []
    for event in events:
        if on_event is not None:
            on_event(event)
        if isinstance(event, LogEvent):
            output[event.type].append(event.text)
        elif isinstance(event, ArtifactEvent):
            artifacts.append(event.artifact)
        elif isinstance(event, EndEvent):
            return RunResult(event.job, "".join(output["stdout"]), "".join(output["stderr"]), artifacts)
    raise JobRunnerError("the stream was closed before the job's end", code="unreachable")
