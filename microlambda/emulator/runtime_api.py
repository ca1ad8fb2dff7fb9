"""The Lambda Runtime API for one execution environment.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. A runtime client (AWS's awslambdaric, or
ours) asks for the next event, posts a result or an error, and asks again:

    GET  /2018-06-01/runtime/invocation/next            waits; answers the event
    POST /2018-06-01/runtime/invocation/{id}/response   the result
    POST /2018-06-01/runtime/invocation/{id}/error      what the handler raised
    POST /2018-06-01/runtime/init/error                 the module could not be imported
    POST /microlambda/ready                             ours: what the local child tells of its app

A loop over a socket instead of a web framework: it stands in the way of every invocation. It is closed to
web pages, which can reach any port of this machine: not under another name (Host), not from a page (Origin,
Sec-Fetch-Site).
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from typing import Self

_PREFIX = "/2018-06-01/runtime"
_ACCEPTED = (
    b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event for the runtime client to take; `deadline_ms` is counted from 1970."""

    request_id: str
    payload: bytes
    deadline_ms: int
    function_arn: str
    trace_id: str = ""
    client_context: str | None = None

    def response(self) -> bytes:
        """The answer to `invocation/next`, head and body."""
        context = f"Lambda-Runtime-Client-Context: {self.client_context}\r\n" if self.client_context else ""
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {self.request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {self.deadline_ms}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {self.function_arn}\r\n"
            f"Lambda-Runtime-Trace-Id: {self.trace_id}\r\n{context}"
            f"Content-Length: {len(self.payload)}\r\n\r\n"
        )
        return head.encode("latin-1") + self.payload


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the other side reported: a result, an error, an error at init, or that it is gone."""

    kind: Literal["result", "error", "init-error", "gone"]
    request_id: str = ""
    payload: bytes = b""
    error_type: str = ""


@dataclass(kw_only=True)
class _Request:
    method: str
    path: str
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class RuntimeApi:
    """Serves the Runtime API on a loopback port of its own, one event at a time.

    `asked` becomes true when the client asks for its first event; `ready` is set then, or when it becomes
    clear that it never will.
    """

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.asked = False
        self.init_error: Outcome | None = None
        self.document: dict[str, Any] = {}
        self._events: SimpleQueue[Event | None] = SimpleQueue()
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self._current: str | None = None
        self._stopped = False
        self._listener: socket.socket | None = None
        self._host = ""
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._guard = threading.Lock()

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API: `127.0.0.1:54321`."""
        if self._listener is None:
            raise RuntimeError("the Runtime API is not started")
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def start(self) -> Self:
        """Listen, and serve from threads of its own."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self._host = self.address
        self._run(self._accept, self._listener)
        return self

    def stop(self) -> None:
        """Close the port and every connection; whoever waits for an outcome is told `gone`."""
        with self._guard:
            if self._stopped or self._listener is None:
                return
            self._stopped = True
            connections = list(self._connections)
        self.gone()
        self._events.put(None)
        _close(self._listener)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(1.0)

    def send(self, event: Event) -> None:
        """Hand an event to the client, now or when it next asks."""
        self._current = event.request_id
        self._events.put(event)

    def outcome(self, timeout: float | None = None) -> Outcome | None:
        """Wait for what came of the event; None when `timeout` seconds are over."""
        try:
            return self._outcomes.get(timeout=timeout)
        except Empty:
            return None

    def gone(self) -> None:
        """Note that the client is no more."""
        self._outcomes.put(Outcome(kind="gone"))
        self.ready.set()

    def _run(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name="microlambda-runtime-api", daemon=True)
        with self._guard:
            self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._guard:
                if self._stopped:
                    connection.close()
                    return
                self._connections.add(connection)
            self._run(self._converse, connection)

    def _converse(self, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb") as stream:
                while (request := _read(stream, connection)) is not None:
                    answer = self._answer(request)
                    if answer is None:
                        return
                    connection.sendall(answer)
        except (OSError, ValueError):
            pass  # the client is gone; its process is watched elsewhere
        finally:
            with self._guard:
                self._connections.discard(connection)
            connection.close()

    def _answer(self, request: _Request) -> bytes | None:
        fields = request.fields
        if fields.get("host") != self._host or "origin" in fields or "sec-fetch-site" in fields:
            return _refusal(403, "Forbidden", "Forbidden")
        if request.path == f"{_PREFIX}/invocation/next" and request.method == "GET":
            self.asked = True
            self.ready.set()
            event = self._events.get()
            return None if event is None else event.response()
        if request.method != "POST":
            return _refusal(404, "Not Found", "InvalidRequest")
        if request.path == f"{_PREFIX}/init/error":
            return self._init_error(request)
        if request.path == "/microlambda/ready":
            self.document = json.loads(request.body)
            return _ACCEPTED
        return self._reported(request)

    def _init_error(self, request: _Request) -> bytes:
        kind = request.fields.get("lambda-runtime-function-error-type", "")
        self.init_error = Outcome(kind="init-error", payload=request.body, error_type=kind)
        self._outcomes.put(self.init_error)
        self.ready.set()
        return _ACCEPTED

    def _reported(self, request: _Request) -> bytes:
        prefix, _, kind = request.path.rpartition("/")
        base, _, request_id = prefix.rpartition("/")
        if base != f"{_PREFIX}/invocation" or kind not in ("response", "error"):
            return _refusal(404, "Not Found", "InvalidRequest")
        if request_id != self._current:
            return _refusal(400, "Bad Request", "InvalidRequestID")
        self._current = None
        self._outcomes.put(
            Outcome(
                kind="result" if kind == "response" else "error",
                request_id=request_id,
                payload=request.body,
                error_type=request.fields.get("lambda-runtime-function-error-type", ""),
            )
        )
        return _ACCEPTED


def _read(stream: IO[bytes], connection: socket.socket) -> _Request | None:
    line = stream.readline(65_536)
    parts = line.split()
    if len(parts) != 3:
        return None
    request = _Request(method=parts[0].decode("latin-1"), path=parts[1].decode("latin-1"))
    while (line := stream.readline(2_097_152)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.partition(b":")
        request.fields[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
    if request.fields.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = int(request.fields.get("content-length", "0"))
    if length:
        request.body = stream.read(length)
        if len(request.body) < length:
            return None
    return request


def _refusal(status: int, reason: str, error_type: str) -> bytes:
    body = json.dumps({"errorMessage": reason, "errorType": error_type}).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _close(listener: socket.socket) -> None:
    # A thread that blocks in accept() does not notice close(); shutdown() wakes it on Linux, a connection
    # elsewhere.
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:
        with contextlib.suppress(OSError):
            socket.create_connection(listener.getsockname(), timeout=1.0).close()
    listener.close()
