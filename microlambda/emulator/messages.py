"""HTTP requests and responses as the emulator hands them around: plain, exact, of no server."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: What a status line says behind the number.
REASONS = {one.value: one.phrase for one in HTTPStatus}


class BodyTooLarge(Exception):
    """The request's body is larger than its reader accepts; the rest of it was not read."""


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """A request as it stood on the wire.

    `target` is the raw path and query of the request line; `headers` keep order, case and repeats. Text is
    latin-1, as in WSGI: one character for each byte.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    client_address: str = "127.0.0.1"
    http_version: str = "HTTP/1.1"
    scheme: str = "http"

    def values(self, name: str) -> list[str]:
        """All values of a header, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def header(self, name: str) -> str | None:
        """The last value of a header, or None."""
        values = self.values(name)
        return values[-1] if values else None

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any], *, max_body: int | None = None) -> HttpRequest:
        """Read a WSGI request, body included; `BodyTooLarge` if that is longer than `max_body` bytes.

        `microlambda.headers` (our server's exact list) is preferred to the HTTP_* variables, and
        REQUEST_URI or RAW_URI to the decoded path.
        """
        return cls(
            method=environ["REQUEST_METHOD"],
            target=_target_from(environ),
            headers=_headers_from(environ),
            body=_body_from(environ, max_body),
            client_address=environ.get("REMOTE_ADDR") or "127.0.0.1",
            http_version=environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            scheme=environ.get("wsgi.url_scheme", "http"),
        )


@dataclass(frozen=True, kw_only=True)
class HttpResponse:
    """A response: `headers` hold everything that is sent but the connection's own fields.

    Where the body comes in pieces it is in `chunks`, to be iterated and closed, and its length is unknown.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    chunks: Iterable[bytes] | None = None

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


def _target_from(environ: Mapping[str, Any]) -> str:
    raw: str | None = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    query = environ.get("QUERY_STRING", "")
    if raw:
        # Werkzeug's test client leaves the query out of it.
        return f"{raw}?{query}" if query and "?" not in raw else raw
    path = quote(
        (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1"),
        safe="/:@!$&'()*+,;=~",
    )
    return f"{path}?{query}" if query else path


def _headers_from(environ: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    exact = environ.get("microlambda.headers")
    if exact is not None:
        return tuple(exact)
    found = []
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            found.append((key[5:].replace("_", "-").title(), value))
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            found.append((key.replace("_", "-").title(), value))
    return tuple(found)


def _body_from(environ: Mapping[str, Any], max_body: int | None) -> bytes:
    stream = environ.get("wsgi.input")
    if stream is None:
        return b""
    length = environ.get("CONTENT_LENGTH")
    if length:
        if max_body is not None and int(length) > max_body:
            raise BodyTooLarge
        return _read(stream, int(length))
    if not environ.get("wsgi.input_terminated"):
        return b""
    body = _read(stream, -1 if max_body is None else max_body + 1)
    if max_body is not None and len(body) > max_body:
        raise BodyTooLarge
    return body


def _read(stream: Any, limit: int) -> bytes:
    """Read `limit` bytes, or up to the end; a raw stream may give them in several pieces."""
    pieces = []
    left = limit
    while left != 0:
        piece = stream.read(min(left, 1 << 20) if left > 0 else 1 << 20)
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece) if left > 0 else 0
    return b"".join(pieces)
