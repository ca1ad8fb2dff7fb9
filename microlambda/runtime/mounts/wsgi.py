"""Calling a WSGI application (PEP 3333)."""

from __future__ import annotations

import sys
from functools import partial
from io import BytesIO

from ..context import STREAMING
from ..errors import EncodingError
from .base import (
    PLAIN_PATH,
    PORTS,
    Mount,
    bytes_as_text,
    host_and_port,
    put_fields,
    raw_path,
    remembered,
    scheme_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import IO, Any

    from ..ingress.base import Ingress

#: Header fields that are about a connection which is not here.
_APART = frozenset(("transfer-encoding", "connection", "keep-alive"))
_OF_BODIES = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_BLOCK = 8_192  # bytes


class FileWrapper:
    """`wsgi.file_wrapper`: a file, read in blocks."""

    def __init__(self, filelike: IO[bytes], blksize: int = _BLOCK) -> None:
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self) -> Iterator[bytes]:
        while block := self.filelike.read(self.blksize):
            yield block


def _variable(name: str) -> str:
    """The variable of a header field; empty for a field that has none."""
    lower = name.lower()
    if lower in _OF_BODIES:
        return _OF_BODIES[lower]
    if lower in _APART or "_" in name:  # X_Y would pass for X-Y
        return ""
    return f"HTTP_{name.upper().replace('-', '_')}"


def _server(scheme: str, host: str) -> dict[str, str]:
    """The variables of a host that is asked by the scheme."""
    name, port = host_and_port(host, scheme)
    return {"wsgi.url_scheme": scheme, "SERVER_NAME": name, "SERVER_PORT": port}


_VARIABLES: dict[str, str] = {}
_SERVERS: dict[str, dict[str, Any]] = {scheme: {} for scheme in PORTS}


class Exchange:
    """What an application says to the server: its head, what it writes, and at last its body.

    `status` is None until there is a head. It is written out by a gateway as a Response is. Who makes one
    sets `written`: an `__init__` is a call that each exchange would pay.
    """

    status: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | Pieces = b""
    written: list[bytes]
    is_sent = False  # the head has left, and cannot be taken back

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Take the head; with `exc_info` that of an error, in the place of the one before."""
        if exc_info:
            try:
                if self.is_sent or any(self.written):
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # its frames would hold themselves
        elif self.status is not None:
            raise AssertionError("start_response was called twice, the second time without exc_info.")
        self.status, self.headers = status, headers
        return self.written.append


class Pieces:
    """The body of an application that is still to be read, its first piece apart."""

    def __init__(self, first: bytes, rest: Iterator[bytes], exchange: Exchange, iterable: Any) -> None:
        self._first = [first]
        self._rest = rest
        self._exchange = exchange
        self._iterable = iterable

    def __iter__(self) -> Pieces:
        return self

    def __next__(self) -> bytes:
        if self._first:
            return self._first.pop()
        try:
            piece = next(self._rest)
        except StopIteration:
            if not self._exchange.written:
                raise
            piece = b""
        return _with_written(self._exchange, piece)

    def close(self) -> None:
        """Let the application clean up, once."""
        iterable, self._iterable = self._iterable, None
        _close(iterable)


class WsgiMount(Mount):
    """A WSGI application."""

    interface = "wsgi"

    def answered(
        self,
        ingress: Ingress,
        event: dict[str, Any],
        context: Any,
        place: tuple[str, str, str],
        body: bytes,
    ) -> Exchange:
        """What the application answers; whole, unless nobody knows how much there is and pieces are taken."""
        environ = environ_of(ingress, event, context, place, self.prefix, body)
        exchange = Exchange()
        exchange.written = pieces = []
        iterable = self.application(environ, exchange.start_response)
        try:
            # `takes_pieces` written out: what a call takes shows in benchmarks/web_apps.py
            if ingress.streams and STREAMING.get() and len_of(iterable) is None:
                if _begin(exchange, iterable):
                    return exchange
            else:
                pieces.extend(iterable)  # what it writes meanwhile comes between them
                exchange.body = b"".join(pieces)
        except BaseException:
            _close(iterable)
            raise
        close = getattr(iterable, "close", None)  # `_close` written out, for the same reason
        if close is not None:
            close()
        if exchange.status is None:
            raise EncodingError(
                "the mounted application gave a body, and called no start_response before it."
            )
        return exchange


def _begin(exchange: Exchange, iterable: Iterable[bytes]) -> bool:
    """Take the head and the first piece; is there more to come, of an unknown length?"""
    pieces = iter(iterable)
    # The head may come as late as the first piece that is not empty.
    first = next((piece for piece in pieces if piece or exchange.written), b"")
    exchange.is_sent = True
    rest = Pieces(_with_written(exchange, first), pieces, exchange, iterable)
    if exchange.status is not None and all(name.lower() != "content-length" for name, _ in exchange.headers):
        exchange.body = rest
        return True
    exchange.body = b"".join(rest)
    return False


def len_of(iterable: Iterable[bytes]) -> int | None:
    """How many pieces there are, where that is known."""
    try:
        return len(iterable)  # type: ignore[arg-type]  # asked for just that
    except TypeError:
        return None


def _with_written(exchange: Exchange, piece: bytes) -> bytes:
    """A piece behind what was written before it."""
    if exchange.written:
        piece = b"".join((*exchange.written, piece))
        exchange.written.clear()
    return piece


def _close(iterable: Any) -> None:
    close = getattr(iterable, "close", None)
    if close is not None:
        close()


def environ_of(
    ingress: Ingress,
    event: dict[str, Any],
    context: Any,
    place: tuple[str, str, str],
    prefix: str,
    body: bytes,
) -> dict[str, Any]:
    """The environ for an application at `prefix`; text is latin-1, a character for each byte.

    `place` is what the ingress makes of the event's path.
    """
    method, path, root_path = place
    target = root_path + path
    # `is_raw` written out, as `takes_pieces` above
    is_sent = "%" not in (event.get("path") or event.get("rawPath") or "") and (
        target.isascii() if ingress.keeps_escapes else PLAIN_PATH(target)
    )
    if prefix:
        path, root_path = path[len(prefix) :], root_path + prefix
    if not is_sent:
        target = raw_path(event, place[2], target)
        path, root_path = bytes_as_text(path), bytes_as_text(root_path)
    query = ingress.query_string(event)
    if query:
        query = bytes_as_text(query)
        target = f"{target}?{query}"
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": root_path,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": ingress.client_address(event) or "",
        "SERVER_NAME": "",  # set at last, as two more below: with a place for each now, the table never grows
        "SERVER_PORT": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        # not of PEP 3333: the request target as it was sent, under the names that servers have for it
        "REQUEST_URI": target,
        "RAW_URI": target,
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,  # of the function's other environments
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "wsgi.url_scheme": "",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "microlambda.event": event,
        "microlambda.context": context,
        # the names that Zappa has for them
        "lambda.event": event,
        "lambda.context": context,
    }
    if not put_fields(event, _VARIABLES, environ):
        environ.update(_repeated(ingress.headers(event)))
    environ.pop("", None)
    if body or "CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(len(body))
    scheme = environ.get("HTTP_X_FORWARDED_PROTO", "")
    if scheme != "https" or not ingress.forwards_scheme:
        scheme = scheme_of(ingress, event, scheme)
    host = environ.get("HTTP_HOST")
    if not host:
        host = environ["HTTP_HOST"] = ingress.host(event)
    known = _SERVERS[scheme]
    environ |= known.get(host) or remembered(known, host, partial(_server, scheme))
    return environ


def _repeated(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The variables of fields that come several times, or are no ASCII."""
    variables: dict[str, str] = {}
    for name, value in fields:
        key = remembered(_VARIABLES, name, _variable)
        value = bytes_as_text(value)
        if key in variables:
            value = f"{variables[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        variables[key] = value
    return variables
