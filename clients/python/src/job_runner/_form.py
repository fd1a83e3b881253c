"""The form that a job is sent as (multipart/form-data, RFC 7578), in bounded memory."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Tuple, Union, cast

#: A text, bytes, or the path of a file that is read while it is sent.
FileContent = Union[str, bytes, "os.PathLike[str]"]
#: A program's text, the path of its file or folder, or its files by their paths in the job.
CodeLike = Union[str, "os.PathLike[str]", Mapping[str, FileContent]]
#: Files by their paths in the job, or paths of files and folders that keep their names.
InputLike = Union[Mapping[str, FileContent], Iterable["os.PathLike[str]"]]

_CHUNK = 256 * 1024
#: What programs make beside their source, and what is nobody's code.
_IGNORED = {"__pycache__", ".git", ".venv", "node_modules", ".DS_Store"}


def folder(path: Union[str, os.PathLike[str]], prefix: str = "") -> Dict[str, FileContent]:
    """All regular files of a folder by their paths in it; ``prefix`` goes before each. Links are not followed."""
    files: Dict[str, FileContent] = {}
    for at, folders, names in os.walk(path):
        folders[:] = sorted(each for each in folders if each not in _IGNORED)
        for name in sorted(names):
            full = Path(at, name)
            if name not in _IGNORED and full.is_file() and not full.is_symlink():
                files[Path(prefix, full.relative_to(path)).as_posix()] = full
    return files


def code_files(code: CodeLike, spec: Mapping[str, Any]) -> Tuple[Dict[str, FileContent], Mapping[str, Any]]:
    """The program's files, and the specification with the entry that they suggest."""
    if isinstance(code, str):
        return {spec.get("entry", "main.py"): code}, spec
    if isinstance(code, Mapping):
        return dict(code), spec
    path = Path(code)
    if path.is_dir():
        return folder(path), spec
    return {path.name: path}, {"entry": path.name, **spec}


def input_files(given: InputLike) -> Dict[str, FileContent]:
    if isinstance(given, Mapping):
        return dict(cast("Mapping[str, FileContent]", given))
    files: Dict[str, FileContent] = {}
    for each in given:
        path = Path(each)
        files.update(folder(path, path.resolve().name) if path.is_dir() else {path.name: path})
    return files


def _escaped(name: str) -> str:
    """As browsers do it (WHATWG HTML, multipart/form-data encoding)."""
    return name.replace("\n", "%0A").replace("\r", "%0D").replace('"', "%22")


class Form:
    """Knows its length before it is read, and can be read as often as it must be sent."""

    def __init__(self, code: CodeLike, given: InputLike, spec: Mapping[str, Any]) -> None:
        program, spec = code_files(code, spec)
        self._boundary = uuid.uuid4().hex
        self._parts: List[Tuple[bytes, FileContent]] = [(self._head("spec"), json.dumps(spec).encode())]
        for field, files in (("code_files", program), ("input_files", input_files(given))):
            for path, content in files.items():
                data = content.encode() if isinstance(content, str) else content
                self._parts.append((self._head(field, path), data))
        self._tail = f"--{self._boundary}--\r\n".encode()

    def _head(self, field: str, filename: str = "") -> bytes:
        lines = [f"--{self._boundary}", f'content-disposition: form-data; name="{field}"']
        if filename:
            lines[1] += f'; filename="{_escaped(filename)}"'
            lines.append("content-type: application/octet-stream")
        return "\r\n".join([*lines, "", ""]).encode()

    @property
    def headers(self) -> Dict[str, str]:
        length = len(self._tail)
        for head, content in self._parts:
            size = os.stat(content).st_size if isinstance(content, os.PathLike) else len(content)
            length += len(head) + size + 2
        return {
            "content-type": f"multipart/form-data; boundary={self._boundary}",
            "content-length": str(length),
        }

    def __iter__(self) -> Iterator[bytes]:
        for head, content in self._parts:
            yield head
            if isinstance(content, os.PathLike):
                with open(content, "rb") as file:
                    while chunk := file.read(_CHUNK):
                        yield chunk
            elif isinstance(content, bytes) and content:
                yield content
            yield b"\r\n"
        yield self._tail
