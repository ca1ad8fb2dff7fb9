"""Calling a WSGI application with a request (PEP 3333); its answer is a Response like a view's."""

from __future__ import annotations

import sys
from io import BytesIO

from ..context import STREAMING
from ..errors import EncodingError
from ..http.headers import Headers
from ..http.response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import IO, Any

    from ..http.request import Request

#: Header fields that have variables of their own, and those that are about a connection which is not here.
_APART = frozenset(("content-type", "content-length", "transfer-encoding", "connection", "keep-alive"))
_PORTS = {"http": "80", "https": "443"}
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


class Exchange:
    """What an application says to the server: its head, and what it writes."""

    def __init__(self) -> None:
        self.head: tuple[str, list[tuple[str, str]]] | None = None
        self.written: list[bytes] = []
        self.is_sent = False  # the head has left, and cannot be taken back

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Take the head; with `exc_info` that of an error, in the place of the one before."""
        if exc_info:
            try:
                if self.is_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # its frames would hold themselves
        elif self.head is not None:
            raise AssertionError("start_response was called twice, the second time without exc_info.")
        self.head = (status, list(headers))
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
        """Let the application clean up."""
        _close(self._iterable)


def called(application: Any, request: Request, prefix: str) -> Response:
    """The application's answer; whole, unless the caller takes pieces and nobody knows how many there are.

    Raises what the application raises, and EncodingError for an answer that is none.
    """
    exchange = Exchange()
    iterable = application(environ_of(request, prefix), exchange.start_response)
    try:
        pieces = iter(iterable)
        # The head may come as late as the first piece that is not empty.
        first = next((piece for piece in pieces if piece or exchange.written), b"")
        response = _begun(exchange)
        exchange.is_sent = True
        response.body = _with_written(exchange, first)
        streams = request._ingress.streams and STREAMING.get()
        if streams and len_of(iterable) is None and "content-length" not in response.headers:
            response.body = Pieces(response.body, pieces, exchange, iterable)
            return response
        response.body += b"".join([_with_written(exchange, piece) for piece in pieces])
        response.body += _with_written(exchange, b"")
    except BaseException:
        _close(iterable)
        raise
    _close(iterable)
    return response


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


def _begun(exchange: Exchange) -> Response:
    if exchange.head is None:
        raise EncodingError("the mounted application gave a body, and called no start_response before it.")
    status, fields = exchange.head
    headers = Headers([(name, _text(value)) for name, value in fields])
    code = status[:3]
    if not (code.isascii() and code.isdigit()):
        raise EncodingError(
            f"the mounted application answered with the status {status!r}, which has no number."
        )
    return Response(status_code=int(code), headers=headers)


def environ_of(request: Request, prefix: str) -> dict[str, Any]:
    """The environ for an application at `prefix`; text is latin-1, a character for each byte."""
    ingress, event = request._ingress, request.event
    scheme = request.scheme
    host, port = _host_and_port(ingress.host(event), scheme)
    body = request.data
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": _bytes(request.root_path + prefix),
        "PATH_INFO": _bytes(request.path[len(prefix) :]),
        "QUERY_STRING": _bytes(ingress.query_string(event)),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": request.remote_addr or "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,  # of the function's other environments
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "microlambda.event": event,
        "microlambda.context": request.lambda_context,
        # the names that Zappa has for them
        "lambda.event": event,
        "lambda.context": request.lambda_context,
    }
    for name, value in request.headers:
        lower = name.lower()
        if lower == "content-type":
            environ["CONTENT_TYPE"] = _bytes(value)
        elif lower not in _APART and "_" not in name:  # X_Y would pass for X-Y
            key = f"HTTP_{name.upper().replace('-', '_')}"
            joint = "; " if lower == "cookie" else ","
            environ[key] = f"{environ[key]}{joint}{_bytes(value)}" if key in environ else _bytes(value)
    if body or "content-length" in request.headers:
        environ["CONTENT_LENGTH"] = str(len(body))
    environ.setdefault("HTTP_HOST", host if port == _PORTS[scheme] else f"{host}:{port}")
    return environ


def _host_and_port(host: str, scheme: str) -> tuple[str, str]:
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        return name, port
    return host, _PORTS[scheme]


def _bytes(text: str) -> str:
    """Text as WSGI has it: its UTF-8, a character for each byte."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def _text(value: Any) -> Any:
    """The text that such bytes are, where they are UTF-8; what is no text is refused by the headers."""
    if type(value) is not str or value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
