"""The app as a plain WSGI application (PEP 3333), for servers and tools that speak that.

Such a server is one more ingress: its event is the `environ`. No gateway's limits hold, and an answer in
pieces is sent as it is made.
"""

from __future__ import annotations

from .context import streaming_answers
from .dispatch import answer
from .errors import BadRequest
from .ingress.base import Ingress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .app import App
    from .http.response import Response

_BODY = "microlambda.body"  # in the environ: the body, which the server gives only once
_PIECE = 1 << 16
_BODILESS = (204, 304)

#: Of the server, not the application (PEP 3333, "Other HTTP Features"); the length is counted here, and
#: `Status` is CGI's.
_NOT_OURS = frozenset(
    (
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "status",
        "te",
        "trailers",
        "transfer-encoding",
        "upgrade",
    )
)


class WSGI:
    """Calls the app for a WSGI server: `app.wsgi(environ, start_response)`."""

    def __init__(self, app: App) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request; a streamed answer ends when the server closes what this returns."""
        with streaming_answers():
            result: Any = answer(self.app, WSGI_SERVER, environ, None)
        start_response(_status_line(result["statusCode"]), result["headers"])
        if "body" in result:
            return [result["body"]] if result["body"] else []
        if result["statusCode"] not in _BODILESS:
            chunks: Iterable[bytes] = result.chunks
            return chunks
        result.chunks.close()
        return []


class WsgiIngress(Ingress):
    """Text is latin-1 here, one character for each byte; `PATH_INFO` is decoded already."""

    name = "wsgi"
    streams = True
    limit = 1 << 62
    forwards_scheme = False
    keeps_escapes = False

    def place(self, event: dict[str, Any]) -> tuple[str, str, str]:
        """The `root_path` is where the application is mounted."""
        path = _text(event.get("PATH_INFO", ""))
        root_path = _text(event.get("SCRIPT_NAME", "")).rstrip("/")
        if not path.startswith("/"):
            path = f"/{path}"
        return event["REQUEST_METHOD"], path, root_path

    def headers(self, event: dict[str, Any]) -> list[tuple[str, str]]:
        """From the `HTTP_` variables and the body's two."""
        fields = []
        for key, value in event.items():
            if key.startswith("HTTP_"):
                fields.append((key[5:].replace("_", "-").title(), _field(value)))
            elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
                fields.append((key.replace("_", "-").title(), value))
        return fields

    def query(self, event: dict[str, Any]) -> Iterable[tuple[str, str]]:
        """From `QUERY_STRING`."""
        from .percent import query_pairs

        return query_pairs(self.query_string(event))

    def query_string(self, event: dict[str, Any]) -> str:
        """As the caller sent it."""
        return _text(event.get("QUERY_STRING", ""))

    def client_address(self, event: dict[str, Any]) -> str | None:
        """`REMOTE_ADDR`."""
        return event.get("REMOTE_ADDR") or None

    def scheme(self, event: dict[str, Any]) -> str:
        """`wsgi.url_scheme`."""
        scheme: str = event["wsgi.url_scheme"]
        return scheme

    def host(self, event: dict[str, Any]) -> str:
        """The Host header; without one, the server's own name and port."""
        host: str = event.get("HTTP_HOST") or f"{event['SERVER_NAME']}:{event['SERVER_PORT']}"
        return host

    def body(self, event: dict[str, Any]) -> bytes:
        """`wsgi.input` as far as `CONTENT_LENGTH` goes; `BadRequest` where it ends before.

        Without a length there is no body, unless the server says that the input has an end.
        """
        if _BODY not in event:
            event[_BODY] = _read_body(event)
        body: bytes = event[_BODY]
        return body

    def plain_result(self, fields: Any, values: Any, body: str) -> None:
        """None: an answer is bytes here."""

    def to_result(self, response: Response, body: str | bytes, is_head: bool) -> dict[str, Any]:
        """Pairs of headers and the bytes of the body."""
        code = response.status_code
        has_body = code not in _BODILESS
        headers = [
            (name, value.encode().decode("latin-1").replace("\t", " "))  # wsgiref refuses tabs
            for name, value in response.headers
            if name.lower() not in _NOT_OURS and (has_body or name.lower() != "content-type")
        ]
        data = body.encode() if isinstance(body, str) else body
        if has_body and not response.is_streamed:
            headers.append(("Content-Length", str(len(data))))
        return {"statusCode": code, "headers": headers, "body": data if has_body and not is_head else b""}


WSGI_SERVER = WsgiIngress()


def _text(value: str) -> str:
    """What stands for bytes, as the UTF-8 that it is."""
    return value if value.isascii() else value.encode("latin-1").decode("utf-8", "replace")


def _field(value: str) -> str:
    """A header field's value, as the UTF-8 that it is, or the latin-1 if it is none."""
    try:
        return value if value.isascii() else value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _read_body(environ: dict[str, Any]) -> bytes:
    length = environ.get("CONTENT_LENGTH") or ""
    if not length:
        return _read(environ, -1) if environ.get("wsgi.input_terminated") else b""
    if not (length.isascii() and length.isdigit()):
        raise BadRequest(f"Content-Length is {length!r}, which is no number.")
    body = _read(environ, int(length))
    if len(body) < int(length):
        raise BadRequest(f"the body ended after {len(body)} of the {length} bytes of Content-Length.")
    return body


def _read(environ: dict[str, Any], left: int) -> bytes:
    """Read `left` bytes, or up to the end where that is negative; a server may give them in pieces."""
    pieces = []
    while left:
        piece = environ["wsgi.input"].read(min(left, _PIECE) if left > 0 else _PIECE)
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece) if left > 0 else 0
    return b"".join(pieces)


def _status_line(code: int) -> str:
    from http import HTTPStatus  # a WSGI server has it already

    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return f"{code} Unknown"
