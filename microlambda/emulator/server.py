"""A WSGI server for this machine: threads, kept connections, exact headers, no delays.

It stands on `werkzeug.serving`, whose own request handler closes every connection after one answer and
hands headers on without case and repeats; ours reads requests by itself. What the application finds in
`environ` beyond WSGI: `microlambda.headers`, the list of header pairs as received, `REQUEST_URI`, the raw
target, and `microlambda.connection`, the socket: who takes that over answers by itself, and ends with a
ConnectionError.
"""

from __future__ import annotations

import errno
import socket
import sys
import threading
from typing import TYPE_CHECKING

from microlambda.emulator.errors import PortInUse, PortRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self
    from wsgiref.types import WSGIApplication

    from microlambda.emulator.threaded_server import ThreadedServer

    Log = Callable[[str], None]


class Server:
    """Serves one WSGI application on a loopback port; port 0 is any free one.

        with Server(app, port=0) as server:
            print(server.url)

    `patience` is how many seconds a client may stay silent, before a request and within one. `log` gets the
    server's own messages; requests are not logged here.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        patience: float = 60.0,
        log: Log | None = None,
    ) -> None:
        self.host = host
        self._app = app
        self._wanted_port = port
        self._patience = patience
        self._log: Log = log or (lambda _: None)
        self._listener: socket.socket | None = None
        self._server: ThreadedServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on; before `listen`, the one it was asked for."""
        return self._listener.getsockname()[1] if self._listener is not None else self._wanted_port

    @property
    def url(self) -> str:
        """Where it answers: `http://127.0.0.1:8000`."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def listen(self) -> None:
        """Take the port; `PortInUse` or `PortRefused` if it may not. Who connects now waits for `start`."""
        if self._listener is None:
            self._listener = _listen(self.host, self._wanted_port)

    def start(self) -> Self:
        """Listen, unless that is so already, and serve from a thread of its own."""
        self.listen()
        from microlambda.emulator.threaded_server import ThreadedServer

        assert self._listener is not None  # noqa: S101 - tells mypy what `listen` did
        self._server = ThreadedServer(
            self.host,
            self._wanted_port,
            self._app,
            fd=self._listener.fileno(),
            patience=self._patience,
            log=self._log,
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="microlambda-server",
            daemon=True,
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and end every connection, at once; more calls do nothing."""
        server, thread, listener = self._server, self._thread, self._listener
        self._server = self._thread = None
        if listener is not None:
            self._wanted_port, self._listener = self.port, None
        if server is not None and thread is not None:
            server.shutdown()
            thread.join()
            server.hang_up(1.0)
        if listener is not None:
            listener.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def check_free(port: int, host: str = "127.0.0.1") -> None:
    """Raise `PortInUse` or `PortRefused` now for a port that is wanted later; 0 is always free."""
    _listen(host, port).close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # On POSIX this lets a restart take the port over from connections in TIME_WAIT, not from a living
        # server; on Windows it would share the port.
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as exc:
        listener.close()
        if exc.errno == errno.EADDRINUSE:
            raise PortInUse(host, port) from exc
        if exc.errno in (errno.EACCES, errno.EPERM):
            raise PortRefused(host, port) from exc
        raise
    return listener
