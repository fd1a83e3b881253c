"""One request on one connection of its own: nothing is shared, so that any thread may call anything."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, TypeVar, Union
from urllib.parse import quote, urlencode, urlsplit

from ._form import Form
from ._patience import Patience
from .errors import JobRunnerError, error_of

T = TypeVar("T")
Query = Mapping[str, Union[str, int, Tuple[str, ...], None]]

#: What a broken connection raises, in whatever part of it.
BROKEN = (OSError, http.client.HTTPException)


def path_of(*segments: str) -> str:
    """A path of the API out of segments that may hold any character."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


class Answer:
    """A success whose body has not been read."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        # The connection lets go of it when the service says that it closes.
        self._socket: Optional[socket.socket] = connection.sock
        self.response = response
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.getheaders()}

    def wait_at_most(self, seconds: float) -> None:
        """For each read from now on."""
        if self._socket is not None:
            self._socket.settimeout(seconds)

    def shut_down(self) -> None:
        """Wakes up a thread that waits for more. May be called by another one."""
        try:
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self.response.close()
        self._connection.close()


class Http:
    def __init__(
        self,
        url: str,
        api_key: Optional[str],
        timeout: float,
        retry_for: float,
        ssl_context: Optional[ssl.SSLContext],
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ValueError(f"{url!r} is no address of a service; write it like http://127.0.0.1:8000")
        self.origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._prefix = parts.path.rstrip("/")
        self._host, self._port = parts.hostname, parts.port
        self._ssl_context = ssl_context or ssl.create_default_context() if parts.scheme == "https" else None
        self._authorization = {} if api_key is None else {"authorization": f"Bearer {api_key}"}
        self._timeout = timeout
        self._retry_for = retry_for

    def _connection(self) -> http.client.HTTPConnection:
        if self._ssl_context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._ssl_context)

    def unreachable(self, cause: BaseException) -> JobRunnerError:
        reason = str(cause) or type(cause).__name__
        return JobRunnerError(f"{self.origin} can't be reached ({reason})", code="unreachable")

    def once(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Query] = None,
        headers: Optional[Mapping[str, str]] = None,
        form: Optional[Form] = None,
    ) -> Answer:
        """One try. Whatever breaks the request on its way is one kind of error."""
        target = self._prefix + path
        pairs = {name: value for name, value in (query or {}).items() if value is not None}
        if pairs:
            target += "?" + urlencode(pairs, doseq=True)
        sent: Dict[str, str] = {**self._authorization, **(headers or {}), **(form.headers if form is not None else {})}
        connection = self._connection()
        try:
            try:
                connection.connect()
                sock = connection.sock
                try:
                    connection.request(method, target, body=form, headers=sent)
                except (BrokenPipeError, ConnectionResetError):
                    # A service that refuses a form answers before it has read all of it.
                    if form is None:
                        raise
                connection.sock = sock
                answer = Answer(connection, connection.getresponse())
                if 200 <= answer.response.status < 300:
                    return answer
                if answer.response.status == 302 and method == "GET" and "location" in answer.headers:
                    connection.close()
                    return self._follow(answer.headers["location"])
                body = answer.response.read()
            except BROKEN as error:
                raise self.unreachable(error) from error
            raise error_of(answer.response.status, answer.headers, body, self.origin + target)
        except BaseException:
            connection.close()
            raise

    def _follow(self, location: str) -> Answer:
        """A file may be had from another server, by an address that needs no key: that server must not see ours."""
        elsewhere = urlsplit(location)
        if elsewhere.scheme not in ("http", "https") or elsewhere.hostname is None:
            raise JobRunnerError(f"{self.origin} points to {location!r}, which is no address", code="unexpected_answer")
        connection = (
            http.client.HTTPConnection(elsewhere.hostname, elsewhere.port, timeout=self._timeout)
            if elsewhere.scheme == "http"
            else http.client.HTTPSConnection(
                elsewhere.hostname, elsewhere.port, timeout=self._timeout, context=self._ssl_context or ssl.create_default_context()
            )
        )
        try:
            connection.request("GET", f"{elsewhere.path}?{elsewhere.query}" if elsewhere.query else elsewhere.path)
            answer = Answer(connection, connection.getresponse())
            if answer.response.status == 200:
                return answer
            raise error_of(answer.response.status, answer.headers, answer.response.read(), f"{elsewhere.scheme}://{elsewhere.netloc}")
        except BaseException:
            connection.close()
            raise

    def send(
        self,
        method: str,
        path: str,
        read: Callable[[Answer], T],
        *,
        query: Optional[Query] = None,
        headers: Optional[Mapping[str, str]] = None,
        form: Optional[Form] = None,
        repeatable: bool = True,
    ) -> T:
        """As many tries as ``retry_for`` allows; ``read`` takes what is wanted of the answer, and belongs to the try."""
        patience = Patience(self._retry_for if repeatable else 0.0)
        while True:
            try:
                answer = self.once(method, path, query=query, headers=headers, form=form)
                try:
                    return read(answer)
                except BROKEN as error:
                    raise self.unreachable(error) from error
            except JobRunnerError as error:
                patience.after(error, threading.Event())


def read_json(answer: Answer) -> Any:
    """Reads an answer in JSON; one that is none came from something else than a Job Runner."""
    try:
        return json.loads(answer.response.read())
    except ValueError as error:
        status = answer.response.status
        detail = "an answer came that is no JSON; is there a Job Runner?"
        raise JobRunnerError(detail, code="unexpected_answer", status=status) from error
    finally:
        answer.close()


def read_text(answer: Answer) -> str:
    try:
        return answer.response.read().decode()
    finally:
        answer.close()
