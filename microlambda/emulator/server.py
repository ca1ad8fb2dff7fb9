"""A WSGI server for this machine: threads, kept connections, exact headers, no delays.

It stands on `werkzeug.serving`, whose own request handler closes every connection after one answer and
hands headers on without case and repeats; ours reads requests by itself. What the application finds in
`environ` beyond WSGI: `microlambda.headers`, the list of header pairs as received, `REQUEST_URI`, the raw
target, and `microlambda.connection`, the socket: who takes that over answers by itself, and ends with a
ConnectionError.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import threading
import time
import traceback
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer

from microlambda.emulator.errors import PortInUse, PortRefused
from microlambda.emulator.http_handler import Handler

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self
    from wsgiref.types import WSGIApplication

    Log = Callable[[str], None]

_IDLE_THREADS = 64
# Seconds between two tries to take a connection while too many files are open.
_NO_FILES = 0.5


class ThreadedServer(ThreadedWSGIServer):
    """Serves each connection in a thread; one that is done waits for the next: starting is slow."""

    request_queue_size = 1024

    def __init__(
        self, host: str, port: int, app: WSGIApplication, *, fd: int, patience: float, log: Log
    ) -> None:
        super().__init__(host, port, app, Handler, fd=fd)
        self.patience = patience
        self._say = log
        self._waiting = 0
        self._handed: SimpleQueue[tuple[socket.socket, Any] | None] = SimpleQueue()
        self._connections: set[socket.socket] = set()
        self._workers: set[threading.Thread] = set()
        self._stopping = False
        self._guard = threading.Lock()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take a connection; where none can be opened, let a moment pass before the next try."""
        try:
            return super().get_request()
        except OSError as exc:
            if exc.errno in (errno.EMFILE, errno.ENFILE):
                self._say(f"no more connections can be taken now: {exc.strerror}")
                time.sleep(_NO_FILES)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand a new connection to a thread that waits, or to a new one."""
        with self._guard:
            self._connections.add(request)
            if self._waiting:
                self._waiting -= 1
                self._handed.put((request, client_address))
                return
            worker = threading.Thread(target=self._work, args=(request, client_address), daemon=True)
            self._workers.add(worker)
        worker.start()

    def _work(self, request: socket.socket, client_address: Any) -> None:
        while True:
            self.process_request_thread(request, client_address)
            with self._guard:
                self._connections.discard(request)
                if self._stopping or self._waiting >= _IDLE_THREADS:
                    self._workers.discard(threading.current_thread())
                    return
                self._waiting += 1
            handed = self._handed.get()
            if handed is None:
                return
            request, client_address = handed

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of an error that no request answers for."""
        del request
        self._say(f"the connection from {client_address[0]} failed: {sys.exc_info()[1]!r}")

    def log_error_of(self, environ: dict[str, Any], exc: Exception) -> None:
        """Tell of an error that the application raised."""
        where = f"{environ['REQUEST_METHOD']} {environ['REQUEST_URI']}"
        self._say(f"{where} failed in the server:\n{''.join(traceback.format_exception(exc))}")

    def hang_up(self, patience: float) -> None:
        """End all connections and wait for their threads, no longer than `patience` seconds."""
        with self._guard:
            self._stopping = True
            workers = list(self._workers)
            for _ in range(self._waiting):
                self._handed.put(None)
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + patience
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))


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
        self._server: ThreadedServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on; before `start`, the one it was asked for."""
        return self._server.port if self._server is not None else self._wanted_port

    @property
    def url(self) -> str:
        """Where it answers: `http://127.0.0.1:8000`."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def start(self) -> Self:
        """Listen and serve from a thread of its own; `PortInUse` or `PortRefused` if it may not."""
        listener = _listen(self.host, self._wanted_port)
        try:
            self._server = ThreadedServer(
                self.host,
                self._wanted_port,
                self._app,
                fd=listener.fileno(),
                patience=self._patience,
                log=self._log,
            )
        finally:
            listener.close()
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
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is not None and thread is not None:
            self._wanted_port = server.port
            server.shutdown()
            thread.join()
            server.hang_up(1.0)

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
