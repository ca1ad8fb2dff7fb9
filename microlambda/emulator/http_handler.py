"""One connection of the server: requests are read and answered on it until one side has enough."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from werkzeug.serving import WSGIRequestHandler

from microlambda.emulator.messages import REASONS
from microlambda.emulator.request_body import MAX_LINE, Refused, RequestBody

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from microlambda.emulator.threaded_server import ThreadedServer

_MAX_FIELDS = 200
_MOST_DIGITS = 20
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BODILESS = (204, 304)


class Handler(WSGIRequestHandler):
    """Reads requests exactly, hands them to the application, and writes its answers.

    A list of pieces leaves in one piece; of any other iterable, each piece leaves when it is there.
    """

    server: ThreadedServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # buffered: what is written leaves with the next flush

    def setup(self) -> None:
        """Set how long a client may stay silent."""
        super().setup()
        self.connection.settimeout(self.server.patience)

    def handle(self) -> None:
        """Serve requests until the connection ends."""
        self.close_connection = False
        try:
            while not self.close_connection:
                self._serve_one()
        except (ConnectionError, TimeoutError, ValueError, OSError):
            pass  # the client left, dawdled, or the server stops; nobody is there to be told

    def finish(self) -> None:
        """Close what may be closed already."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def _serve_one(self) -> None:
        line = self.rfile.readline(MAX_LINE + 1)
        if line in (b"\r\n", b"\n"):  # RFC 9112, 2.2: one empty line before a request is ignored
            line = self.rfile.readline(MAX_LINE + 1)
        if not line:
            self.close_connection = True
            return
        try:
            environ, body = self._read_head(line)
            self._answer(environ, body)
        except Refused as refused:
            self._refuse(refused.status, is_head=line.startswith(b"HEAD "))

    def _read_head(self, line: bytes) -> tuple[dict[str, Any], RequestBody]:
        if len(line) > MAX_LINE:
            raise Refused(414)
        parts = line.rstrip(b"\r\n").split(b" ")
        if len(parts) != 3 or not _TOKEN.fullmatch(parts[0]) or parts[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise Refused(400)
        method, target, version = (part.decode("latin-1") for part in parts)
        fields = self._read_fields()
        body = RequestBody(self.rfile, self._body_length(fields))
        connection = ",".join(value for name, value in fields if name.lower() == "connection").lower()
        self.close_connection = (
            "close" in connection if version == "HTTP/1.1" else "keep-alive" not in connection
        )
        if any(name.lower() == "expect" and value.lower() == "100-continue" for name, value in fields):
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        return self._environ(method, target, version, fields, body), body

    def _read_fields(self) -> list[tuple[str, str]]:
        fields: list[tuple[str, str]] = []
        while True:
            line = self.rfile.readline(MAX_LINE + 1)
            if line in (b"\r\n", b"\n"):
                return fields
            if not line.endswith(b"\n"):
                raise Refused(431 if len(line) > MAX_LINE else 400)
            name, colon, value = line.partition(b":")
            if not colon or not _TOKEN.fullmatch(name) or b"\0" in value:
                raise Refused(400)
            fields.append((name.decode("latin-1"), value.strip().decode("latin-1")))
            if len(fields) > _MAX_FIELDS:
                raise Refused(431)

    def _body_length(self, fields: list[tuple[str, str]]) -> int | None:
        lengths = {value for name, value in fields if name.lower() == "content-length"}
        codings = [value.lower() for name, value in fields if name.lower() == "transfer-encoding"]
        if codings:
            if codings != ["chunked"] or lengths:  # RFC 9112, 6.3: both at once is how requests are smuggled
                raise Refused(400)
            return None
        if not lengths:
            return 0
        length = lengths.pop()
        if lengths or not length.isascii() or not length.isdigit():
            raise Refused(400)
        if len(length) > _MOST_DIGITS:
            raise Refused(413)
        return int(length)

    def _environ(
        self, method: str, target: str, version: str, fields: list[tuple[str, str]], body: RequestBody
    ) -> dict[str, Any]:
        raw_path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "SERVER_SOFTWARE": "microlambda",
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(raw_path.encode("latin-1")).decode("latin-1"),
            "QUERY_STRING": query,
            "REQUEST_URI": target,
            "RAW_URI": target,
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_PORT": str(self.client_address[1]),
            "SERVER_NAME": self.server.host,
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": version,
            "microlambda.headers": fields,
            "microlambda.connection": self.connection,
        }
        for name, value in fields:
            if "_" in name:
                continue  # X_Y and X-Y would be one variable
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = f"HTTP_{key}"
                if key in environ:
                    value = f"{environ[key]}{';' if key == 'HTTP_COOKIE' else ','}{value}"
            environ[key] = value
        return environ

    def _answer(self, environ: dict[str, Any], body: RequestBody) -> None:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
            started[:] = [status, headers]
            return pieces.append

        pieces: list[bytes] = []
        result: Any = None
        try:
            result = self.server.app(environ, start_response)
            if not isinstance(result, list):
                self._stream(environ, started, _pieces(result, pieces), body)
                return
            pieces.extend(result)
        except (Refused, ConnectionError, TimeoutError):
            raise
        except Exception as exc:  # a server outlives the errors of its application
            self.server.log_error_of(environ, exc)
            raise Refused(500) from exc
        finally:
            if result is not None and hasattr(result, "close"):
                result.close()
        # What the application left unread would be taken for the next request. It may come after the answer.
        is_short = body.ends_within(1 << 20)
        self.close_connection = self.close_connection or not is_short
        self._write(environ, started[0], started[1], b"".join(pieces))
        if is_short:
            body.discard()
        else:
            self._linger()

    def _write(
        self, environ: dict[str, Any], status: str, headers: list[tuple[str, str]], body: bytes
    ) -> None:
        code = int(status[:3])
        framing = f"Content-Length: {len(body)}" if code >= 200 and code not in _BODILESS else ""
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        if is_head or any(name.lower() == "content-length" for name, _ in headers):
            framing = ""
        head = self._head(environ, status, headers, framing)
        self.wfile.write(head if is_head or code in _BODILESS else head + body)
        self.wfile.flush()

    def _stream(
        self, environ: dict[str, Any], started: list[Any], pieces: Iterator[bytes], body: RequestBody
    ) -> None:
        """Write an answer as it is made; the head goes with the first piece (PEP 3333)."""
        piece = next(pieces, None)
        status, headers = started
        code = int(status[:3])
        has_length = any(name.lower() == "content-length" for name, _ in headers)
        in_chunks = environ["SERVER_PROTOCOL"] == "HTTP/1.1" and not has_length and code not in _BODILESS
        # Without length and chunks the body ends with the connection; and what is unread of the request's
        # body would be taken for the next request.
        is_endless = not has_length and not in_chunks and code not in _BODILESS
        self.close_connection = self.close_connection or is_endless or not body.exhausted
        framing = "Transfer-Encoding: chunked" if in_chunks else ""
        self.wfile.write(self._head(environ, status, headers, framing))
        if environ["REQUEST_METHOD"] != "HEAD" and code not in _BODILESS:
            try:
                while piece is not None:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if in_chunks else piece)
                    self.wfile.flush()
                    piece = next(pieces, None)
            except (ConnectionError, TimeoutError):
                raise
            except Exception as exc:  # the status has been sent: to be cut off is all that can tell
                self.server.log_error_of(environ, exc)
                raise ConnectionAbortedError from exc
            self.wfile.write(b"0\r\n\r\n" if in_chunks else b"")
        self.wfile.flush()

    def _head(
        self, environ: dict[str, Any], status: str, headers: list[tuple[str, str]], framing: str
    ) -> bytes:
        lines = [f"HTTP/1.1 {status}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if not any(name.lower() == "date" for name, _ in headers):
            lines.append(f"Date: {_date()}")
        if framing:
            lines.append(framing)
        if self.close_connection:
            lines.append("Connection: close")
        elif environ["SERVER_PROTOCOL"] == "HTTP/1.0":
            lines.append("Connection: keep-alive")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"

    def _refuse(self, status: int, *, is_head: bool = False) -> None:
        self.close_connection = True
        reason = REASONS[status]
        text = f"{status} {reason}\n"
        self.wfile.write(
            f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
            f"Date: {_date()}\r\nConnection: close\r\n\r\n{'' if is_head else text}".encode()
        )
        self.wfile.flush()
        self._linger()

    def _linger(self) -> None:
        """Read on for a moment: closing with unread input makes the kernel throw the answer away."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(1.0)
            deadline = time.monotonic() + 2.0
            while time.monotonic() < deadline and self.connection.recv(1 << 20):
                pass


def _pieces(result: Iterable[bytes], written: list[bytes]) -> Iterator[bytes]:
    """The pieces that have something in them, and between them what came through WSGI's `write()`."""
    for piece in result:
        yield from written
        written.clear()
        if piece:
            yield piece
    yield from written


_clock: tuple[int, str] = (0, "")


def _date() -> str:
    """The Date field, computed once a second."""
    global _clock
    now = int(time.time())
    if _clock[0] != now:
        _clock = (now, formatdate(now, usegmt=True))
    return _clock[1]
