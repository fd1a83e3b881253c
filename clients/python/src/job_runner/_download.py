"""A file on its way from the service."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import Iterator, Optional, Union

from ._http import BROKEN, Answer, Http
from .errors import JobRunnerError

_CHUNK = 256 * 1024
_SILENT = 60.0


class Download:
    """Bytes as they come: iterate over it, or ``read()`` it whole. A context manager that lets go."""

    def __init__(self, http: Http, answer: Answer) -> None:
        self._http = http
        self._answer = answer
        answer.wait_at_most(_SILENT)

    @property
    def content_type(self) -> str:
        return self._answer.headers.get("content-type", "application/octet-stream")

    @property
    def size(self) -> Optional[int]:
        """``None`` where the service does not know it beforehand, as of a zip."""
        length = self._answer.headers.get("content-length")
        return None if length is None else int(length)

    def __iter__(self) -> Iterator[bytes]:
        try:
            while chunk := self._answer.response.read(_CHUNK):
                yield chunk
        except BROKEN as error:
            raise self._http.unreachable(error) from error
        finally:
            self.close()

    def read(self) -> bytes:
        return b"".join(self)

    def text(self) -> str:
        return self.read().decode()

    def close(self) -> None:
        self._answer.close()

    def __enter__(self) -> Download:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def place_in(into: Union[str, os.PathLike[str]], name: str) -> Path:
    """Where an artifact goes below a folder. Names come from a service: none may lead out of it."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or (os.sep != "/" and os.sep in name):
        raise JobRunnerError(f"the artifact's name leads out of the folder: {name!r}", code="unexpected_answer")
    return Path(into, *path.parts)


def save(download: Download, path: Path, sha256: str) -> None:
    """The file appears when all of it has come and its SHA-256 is right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    digest = hashlib.sha256()
    try:
        with open(partial, "wb") as file:
            for chunk in download:
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            raise JobRunnerError(f"{path.name} did not come as the service has it", code="unexpected_answer")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
