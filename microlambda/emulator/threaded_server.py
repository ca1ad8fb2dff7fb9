"""The threads that serve the connections of a `Server`: Werkzeug's server, with our reading of requests.

A module of its own: what it stands on takes a tenth of a second to import, and no port has to wait for that.
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

from microlambda.emulator.http_handler import Handler

if TYPE_CHECKING:
    from collections.abc import Callable
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
