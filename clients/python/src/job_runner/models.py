"""What comes over the wire. Fields that a newer service adds are left out; those that an older one lacks are ``None``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Dict, List, Mapping, Optional, Tuple, Type, TypeVar, Union

T = TypeVar("T")


def build(of: Type[T], raw: Mapping[str, Any], **more: Any) -> T:
    """An object from JSON, by its fields' names."""
    known: Dict[str, Any] = {each.name: raw.get(each.name) for each in fields(of)}  # type: ignore[arg-type]
    return of(**{**known, **more})


@dataclass(frozen=True)
class Usage:
    wall_ms: float
    cpu_ms: float
    max_rss_bytes: float


@dataclass(frozen=True)
class Job:
    id: str
    #: The specification, defaults filled in.
    spec: Dict[str, Any]
    #: ``queued``, ``running``, ``succeeded``, ``failed`` or ``canceled``.
    status: str
    created_at: str
    started_at: Optional[str]
    finished_at: Optional[str]
    #: 128 + n when signal n ended the program.
    exit_code: Optional[int]
    error: Optional[str]
    #: Sorted names; empty until the job is over.
    artifacts: Tuple[str, ...]
    signal: Optional[str]
    #: Why it failed, such as ``timeout`` or ``oom``; ``None`` on success.
    cause: Optional[str]
    usage: Optional[Usage]
    #: How often it was started.
    attempt: int
    labels: Dict[str, str]
    log_truncated: bool

    @property
    def is_over(self) -> bool:
        return self.status not in ("queued", "running")

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Job:
        usage = raw.get("usage")
        return build(
            cls,
            raw,
            artifacts=tuple(raw.get("artifacts") or ()),
            usage=None if usage is None else build(Usage, usage),
        )


@dataclass(frozen=True)
class JobCreated:
    job_id: str
    status: str


@dataclass(frozen=True)
class JobView:
    job: Job
    #: How long its log is by now.
    log_lines: int


@dataclass(frozen=True)
class JobPage:
    jobs: List[Job]
    #: The cursor of the next page; ``None`` on the last.
    next: Optional[str]


@dataclass(frozen=True)
class Artifact:
    #: Path relative to the output folder.
    name: str
    size: int
    sha256: str
    content_type: str


@dataclass(frozen=True)
class Runtime:
    name: str
    version: str
    default: bool
    #: ``ready``, ``preparing`` or ``failed``.
    state: str
    packages: Dict[str, str]


@dataclass(frozen=True)
class LogEvent:
    #: ``stdout``, ``stderr`` or ``runner``.
    type: str
    #: Counts from 1, without gaps.
    seq: int
    at: str
    text: str


@dataclass(frozen=True)
class StatusEvent:
    type: str
    status: str
    attempt: int


@dataclass(frozen=True)
class ArtifactEvent:
    type: str
    artifact: Artifact


@dataclass(frozen=True)
class EndEvent:
    type: str
    job: Job


#: Told apart by ``type``, or by ``isinstance``.
Event = Union[LogEvent, StatusEvent, ArtifactEvent, EndEvent]


@dataclass(frozen=True)
class RunResult:
    job: Job
    stdout: str
    #: Apart from stdout unless ``split_output`` is false.
    stderr: str
    artifacts: List[Artifact]
