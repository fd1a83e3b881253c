"""What goes wrong with a request. How a job's program ended is no error: it is in the job."""

from __future__ import annotations

import email.utils
import json
import time
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Tuple


@dataclass(frozen=True)
class FieldError:
    """One mistake in a job."""

    #: JSON pointer into the form, such as ``/spec/timeout_sec``.
    pointer: str
    detail: str


class JobRunnerError(Exception):
    """Told apart by ``code``: the service's own codes, ``unreachable`` and ``unexpected_answer``."""

    def __init__(
        self,
        detail: str,
        *,
        code: str,
        status: int = 0,
        title: str = "",
        errors: Tuple[FieldError, ...] = (),
        request_id: Optional[str] = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        #: HTTP status; 0 when there was no answer.
        self.status = status
        self.title = title
        #: For a bad job: every mistake.
        self.errors = errors
        #: Under which the service's log has more.
        self.request_id = request_id
        #: For how many seconds the service asked to be left alone.
        self.retry_after = retry_after

    def __str__(self) -> str:
        told = [f"{each.pointer}: {each.detail}" for each in self.errors]
        return f"{self.detail} ({self.code})" + "".join(f"\n  {line}" for line in told)


def _retry_after(header: Optional[str]) -> Optional[float]:
    """``Retry-After`` (RFC 9110 §10.2.3): seconds or a date."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def error_of(status: int, headers: Mapping[str, str], body: bytes, url: str) -> JobRunnerError:
    """Reads an answer that is no success."""
    request_id = headers.get("x-request-id")
    retry_after = _retry_after(headers.get("retry-after"))
    try:
        problem: Any = json.loads(body)
        detail, code = str(problem["detail"]), str(problem["code"])
    except (ValueError, TypeError, KeyError):
        # Something between us and the service has answered.
        return JobRunnerError(
            f"{url} answered {status}",
            code="unexpected_answer",
            status=status,
            request_id=request_id,
            retry_after=retry_after,
        )
    errors = tuple(FieldError(each["pointer"], each["detail"]) for each in problem.get("errors", ()))
    return JobRunnerError(
        detail,
        code=code,
        status=status,
        title=problem.get("title", ""),
        errors=errors,
        request_id=request_id,
        retry_after=retry_after,
    )
