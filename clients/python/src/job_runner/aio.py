"""The client for asyncio: the other one's calls in threads, so that there is one way to speak HTTP and to resume.

A stream of events has a thread of its own while it is open; other calls share the event loop's.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, AsyncGenerator, AsyncIterator, Callable, List, Optional, Sequence, TypeVar, Union

from ._download import Download
from ._form import CodeLike, InputLike
from .client import Client
from .errors import JobRunnerError
from .models import Artifact, ArtifactEvent, EndEvent, Event, Job, JobCreated, JobPage, JobView, LogEvent, RunResult, Runtime
from .spec import Spec

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")


class AsyncDownload:
    """Bytes as they come: iterate over it with ``async for``, or ``await read()`` it whole."""

    def __init__(self, download: Download) -> None:
        self._download = download
        self.content_type = download.content_type
        self.size = download.size

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        chunks = iter(self._download)
        try:
            while chunk := await asyncio.to_thread(next, chunks, b""):
                yield chunk
        finally:
            self.close()

    async def read(self) -> bytes:
        return await asyncio.to_thread(self._download.read)

    async def text(self) -> str:
        return (await self.read()).decode()

    def close(self) -> None:
        self._download.close()


class AsyncClient:
    """As :class:`job_runner.Client`, with the same parameters."""

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
        self._client = Client(
            url,
            api_key=api_key,
            timeout=timeout,
            retry_for=retry_for,
            reconnect_for=reconnect_for,
            ssl_context=ssl_context,
        )

    async def run(
        self,
        code: CodeLike,
        *,
        input: InputLike = (),
        on_event: Optional[Callable[[Event], None]] = None,
        idempotency_key: Optional[str] = None,
        **spec: Unpack[Spec],
    ) -> RunResult:
        """Submits a program and follows it to its end. When the task is canceled, so is the job."""
        spec.setdefault("split_output", True)
        created = await self.submit(code, input=input, idempotency_key=idempotency_key, **spec)
        output = {"stdout": [""], "stderr": [""], "runner": [""]}
        artifacts: List[Artifact] = []
        events = self.events(created.job_id)
        try:
            async for event in events:
                if on_event is not None:
                    on_event(event)
                if isinstance(event, LogEvent):
                    output[event.type].append(event.text)
                elif isinstance(event, ArtifactEvent):
                    artifacts.append(event.artifact)
                elif isinstance(event, EndEvent):
                    return RunResult(event.job, "".join(output["stdout"]), "".join(output["stderr"]), artifacts)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(self._client.cancel_quietly, created.job_id))
            raise
        finally:
            await events.aclose()
        raise JobRunnerError("the stream was closed before the job's end", code="unreachable")

    async def submit(
        self,
        code: CodeLike,
        *,
        input: InputLike = (),
        idempotency_key: Optional[str] = None,
        **spec: Unpack[Spec],
    ) -> JobCreated:
        return await asyncio.to_thread(
            partial(self._client.submit, code, input=input, idempotency_key=idempotency_key, **spec)
        )

    async def get(self, id: str) -> Job:
        return await asyncio.to_thread(self._client.get, id)

    async def view(self, id: str) -> JobView:
        return await asyncio.to_thread(self._client.view, id)

    async def list(
        self,
        *,
        status: Optional[str] = None,
        label: Union[str, Sequence[str], None] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
    ) -> JobPage:
        return await asyncio.to_thread(
            partial(self._client.list, status=status, label=label, limit=limit, cursor=cursor)
        )

    async def list_all(
        self,
        *,
        status: Optional[str] = None,
        label: Union[str, Sequence[str], None] = None,
        limit: Optional[int] = None,
    ) -> AsyncIterator[Job]:
        cursor: Optional[str] = None
        while True:
            page = await self.list(status=status, label=label, limit=limit, cursor=cursor)
            for job in page.jobs:
                yield job
            cursor = page.next
            if cursor is None:
                return

    async def cancel(self, id: str) -> Job:
        return await asyncio.to_thread(self._client.cancel, id)

    async def delete(self, id: str) -> None:
        await asyncio.to_thread(self._client.delete, id)

    async def logs(self, id: str) -> str:
        return await asyncio.to_thread(self._client.logs, id)

    async def events(self, id: str, *, after: int = 0) -> AsyncGenerator[Event, None]:
        """Everything about a job as it happens, until its end; goes on by itself where a connection broke."""
        stream = self._client.events(id, after=after)
        thread = ThreadPoolExecutor(1, thread_name_prefix="job-runner-events")
        loop = asyncio.get_running_loop()
        try:
            while batch := await loop.run_in_executor(thread, stream.next_batch):
                for event in batch:
                    yield event
        finally:
            # Wakes the thread up, too, when it still waits.
            stream.close()
            thread.shutdown(wait=False)

    async def artifacts(self, id: str) -> List[Artifact]:
        return await asyncio.to_thread(self._client.artifacts, id)

    async def artifact(self, id: str, name: str) -> AsyncDownload:
        return AsyncDownload(await asyncio.to_thread(self._client.artifact, id, name))

    async def zip(self, id: str) -> AsyncDownload:
        return AsyncDownload(await asyncio.to_thread(self._client.zip, id))

    async def save_artifact(self, id: str, artifact: Artifact, into: Union[str, os.PathLike[str]]) -> Path:
        return await asyncio.to_thread(self._client.save_artifact, id, artifact, into)

    async def save_artifacts(self, id: str, into: Union[str, os.PathLike[str]]) -> List[Path]:
        return await asyncio.to_thread(self._client.save_artifacts, id, into)

    async def runtimes(self) -> List[Runtime]:
        return await asyncio.to_thread(self._client.runtimes)
