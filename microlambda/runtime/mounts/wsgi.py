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
    from ..ingress.base import Ingress

#: Header fields that have variables of their own, and those that are about a connection which is not here.
_APART = frozenset(("content-type", "content-length", "transfer-encoding", "connection", "keep-alive"))
_PORTS = {"http": "80", "https": "443"}
_BLOCK = 8_192  # bytes

_KEYS: dict[str, str] = {}  # variables of header fields, by the names as they were written
_KEPT = 256

#: Names as most applications write them, which need no look at their characters.
_NAMES = frozenset(
    (
        *("Content-Type", "Content-Length", "Content-Disposition", "Content-Language", "Location", "Vary"),
        *(
            "Set-Cookie",
            "Cache-Control",
            "ETag",
            "Last-Modified",
            "Expires",
            "Date",
            "Accept-Ranges",
            "Allow",
        ),
        *("X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"),
    )
)


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


#: What every environ has.
_SAME: dict[str, Any] = {
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.multithread": False,
    "wsgi.multiprocess": True,  # of the function's other environments
    "wsgi.run_once": False,
    "wsgi.file_wrapper": FileWrapper,
}


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
    text = "".join([part for field in fields for part in field])
    if text.isascii() and text.isprintable() and _NAMES.issuperset([name for name, _ in fields]):
        headers = Headers.trusted(list(fields))
    else:
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
    body = request.data
    query = ingress.query_string(event)
    path, root_path = request.path, request.root_path + prefix
    environ: dict[str, Any] = {
        **_SAME,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": root_path if root_path.isascii() else _bytes(root_path),
        "PATH_INFO": path[len(prefix) :] if path.isascii() else _bytes(path[len(prefix) :]),
        "QUERY_STRING": query if query.isascii() else _bytes(query),
        "REMOTE_ADDR": ingress.client_address(event) or "",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "microlambda.event": event,
        "microlambda.context": request.lambda_context,
        # the names that Zappa has for them
        "lambda.event": event,
        "lambda.context": request.lambda_context,
    }
    for name, value in request.headers:
        key = _KEYS.get(name)
        if key is None:
            key = _key(name)
        if not key:
            continue
        if not value.isascii():
            value = _bytes(value)
        if key in environ:
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    if body or "content-length" in request.headers:
        environ["CONTENT_LENGTH"] = str(len(body))
    _add_server(environ, ingress, event)
    return environ


def _add_server(environ: dict[str, Any], ingress: Ingress, event: dict[str, Any]) -> None:
    """Add how the caller reached the gateway: scheme, host and port."""
    scheme = environ["wsgi.url_scheme"] = ingress.scheme(event)
    host = environ.get("HTTP_HOST") or ingress.host(event)
    name, port = (host, _PORTS[scheme]) if ":" not in host else _host_and_port(host, scheme)
    environ["SERVER_NAME"], environ["SERVER_PORT"] = name, port
    environ.setdefault("HTTP_HOST", host)


def _key(name: str) -> str:
    """The variable of a header field, empty for one that has none; those of few names are kept."""
    lower = name.lower()
    if lower == "content-type":
        key = "CONTENT_TYPE"
    elif lower in _APART or "_" in name:  # X_Y would pass for X-Y
        key = ""
    else:
        key = f"HTTP_{name.upper().replace('-', '_')}"
    if len(_KEYS) < _KEPT:  # callers make up names
        _KEYS[name] = key
    return key


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
