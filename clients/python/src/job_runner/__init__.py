"""A client of Job Runner, out of the standard library alone."""

from ._download import Download
from ._events import EventStream
from ._form import CodeLike, FileContent, InputLike, folder
from .aio import AsyncClient, AsyncDownload
from .client import Client
from .errors import FieldError, JobRunnerError
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
    StatusEvent,
    Usage,
)
from .spec import Spec

__version__ = "0.1.0"

__all__ = [
    "Artifact",
    "ArtifactEvent",
    "AsyncClient",
    "AsyncDownload",
    "Client",
    "CodeLike",
    "Download",
    "EndEvent",
    "Event",
    "EventStream",
    "FieldError",
    "FileContent",
    "InputLike",
    "Job",
    "JobCreated",
    "JobPage",
    "JobRunnerError",
    "JobView",
    "LogEvent",
    "RunResult",
    "Runtime",
    "Spec",
    "StatusEvent",
    "Usage",
    "folder",
]
