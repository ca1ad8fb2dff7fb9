"""The Lambda Runtime API for one execution environment.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. A runtime client (AWS's awslambdaric, or
ours) asks for the next event, posts a result or an error, and asks again:

    GET  /2018-06-01/runtime/invocation/next            waits; answers the event
    POST /2018-06-01/runtime/invocation/{id}/response   the result
    POST /2018-06-01/runtime/invocation/{id}/error      what the handler raised
    POST /2018-06-01/runtime/init/error                 the module could not be imported
    POST /microlambda/ready                             ours: what the local child tells of its app
    POST /microlambda/task                              ours: a task that goes on in it, or is over
    POST /microlambda/debugger                          ours: somebody debugs the current event

A result may come in pieces (runtimes-custom.html, "Implementing response streaming"): in chunks, of which
the first holds the answer without its body as JSON, and eight NULs; an error half-way stands in trailers.

A loop over a socket instead of a web framework: it stands in the way of every invocation. It is closed to
web pages, which can reach any port of this machine: not under another name (Host), not from a page (Origin,
Sec-Fetch-Site).
"""

from __future__ import annotations

import binascii
import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING, Any, Literal

from microlambda.emulator.chunked import ChunkedBody
from microlambda.emulator.pending_tasks import PendingTasks
from microlambda.emulator.result_stream import ResultStream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

_PREFIX = "/2018-06-01/runtime"
_DELIMITER = b"\0" * 8
_ERROR_TYPE = "lambda-runtime-function-error-type"
_ERROR_BODY = "lambda-runtime-function-error-body"
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
    """What the other side reported: a result, an error, an error at init, or that it is gone.

    Of a result that comes in pieces, `payload` is what stands before the body, and `stream` is the body.
    """

    kind: Literal["result", "error", "init-error", "gone"]
    request_id: str = ""
    payload: bytes = b""
    error_type: str = ""
    stream: ResultStream | None = None


@dataclass(kw_only=True)
class _Request:
    method: str
    path: str
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunks: ChunkedBody | None = None


class RuntimeApi:
    """Serves the Runtime API on a loopback port of its own, one event at a time.

    `asked` becomes true when the client asks for its first event; `ready` is set then, or when it becomes
    clear that it never will. While `is_debugged`, no time runs for the event.
    """

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.asked = False
        self.is_debugged = False
        self.init_error: Outcome | None = None
        self.document: dict[str, Any] = {}
        self.tasks = PendingTasks()
        self._events: SimpleQueue[Event | None] = SimpleQueue()
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self._current: str | None = None
        self._stream: ResultStream | None = None
        self._stopped = False
        self._listener: socket.socket | None = None
        self._host = ""
        self._connections: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
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
            connections, threads = list(self._connections), list(self._threads)
        self.gone()
        self._events.put(None)
        _close(self._listener)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(1.0)

    def send(self, event: Event) -> None:
        """Hand an event to the client, now or when it next asks."""
        self._current = event.request_id
        self.is_debugged = False
        self._events.put(event)

    def outcome(self, timeout: float | None = None) -> Outcome | None:
        """Wait for what came of the event; None when `timeout` seconds are over, unless it is debugged."""
        try:
            return self._outcomes.get(timeout=timeout)
        except Empty:
            return self._outcomes.get() if self.is_debugged else None

    def gone(self) -> None:
        """Note that the client is no more."""
        self.tasks.close()
        gone, stream = Outcome(kind="gone"), self._stream
        self._outcomes.put(gone)
        if stream is not None:
            stream.end(gone)
        self.ready.set()

    def _run(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name="microlambda-runtime-api", daemon=True)
        with self._guard:  # begun or unknown: `stop` cannot join a thread before its start
            self._threads.add(thread)
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
            connection.close()
            with self._guard:
                self._connections.discard(connection)
                self._threads.discard(threading.current_thread())

    def _answer(self, request: _Request) -> bytes | None:
        fields = request.fields
        if fields.get("host") != self._host or "origin" in fields or "sec-fetch-site" in fields:
            return _refusal(403, "Forbidden", "Forbidden")
        if request.path == f"{_PREFIX}/invocation/next" and request.method == "GET":
            self.asked = True
            self.ready.set()
            self._end_broken_stream()
            event = self._events.get()
            return None if event is None else event.response()
        if request.method != "POST":
            return _refusal(404, "Not Found", "InvalidRequest")
        if request.path == f"{_PREFIX}/init/error":
            return self._init_error(request)
        if request.path.startswith("/microlambda/"):
            return self._told(request)
        return self._reported(request)

    def _told(self, request: _Request) -> bytes:
        if request.path == "/microlambda/ready":
            self.document = json.loads(request.body)
        elif request.path == "/microlambda/task":
            self.tasks.note(json.loads(request.body))
        elif request.path == "/microlambda/debugger":
            self.is_debugged = True
        else:
            return _refusal(404, "Not Found", "InvalidRequest")
        return _ACCEPTED

    def _init_error(self, request: _Request) -> bytes:
        kind = request.fields.get(_ERROR_TYPE, "")
        self.init_error = Outcome(kind="init-error", payload=request.body, error_type=kind)
        self._outcomes.put(self.init_error)
        self.ready.set()
        return _ACCEPTED

    def _reported(self, request: _Request) -> bytes | None:
        prefix, _, kind = request.path.rpartition("/")
        base, _, request_id = prefix.rpartition("/")
        if base != f"{_PREFIX}/invocation" or kind not in ("response", "error"):
            return _refusal(404, "Not Found", "InvalidRequest")
        if request_id != self._current:
            return _refusal(400, "Bad Request", "InvalidRequestID")
        self._current = None
        if kind == "response" and request.chunks is not None:
            return self._received(request.chunks, request_id)
        self._outcomes.put(
            Outcome(
                kind="result" if kind == "response" else "error",
                request_id=request_id,
                payload=request.body,
                error_type=request.fields.get(_ERROR_TYPE, ""),
            )
        )
        return _ACCEPTED

    def _received(self, body: ChunkedBody, request_id: str) -> bytes | None:
        """Hand a result on while it comes; where nobody wants it any more, the connection is to end."""
        chunks = iter(body)
        head, first = _split(chunks)
        if first is None:  # without the delimiter, the whole is an ordinary result
            self._outcomes.put(Outcome(kind="result", request_id=request_id, payload=head))
            return _ACCEPTED
        self._stream = stream = ResultStream()
        self._outcomes.put(Outcome(kind="result", request_id=request_id, payload=head, stream=stream))
        if first and not stream.put(first):
            return None
        for piece in chunks:
            if not stream.put(piece):
                return None
        self._stream = None
        stream.end(_ending(body.trailers, request_id))
        return _ACCEPTED

    def _end_broken_stream(self) -> None:
        """The client asks for the next event: if it was in the middle of a result, that has no end."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        if stream.is_abandoned:
            stream.end(Outcome(kind="result"))
        else:
            document = {"errorType": "Runtime.BrokenStream", "errorMessage": "the result has no end"}
            stream.end(Outcome(kind="error", payload=json.dumps(document).encode()))


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
    if request.fields.get("transfer-encoding", "").lower() == "chunked":
        request.chunks = ChunkedBody(stream)
        return request
    length = int(request.fields.get("content-length", "0"))
    if length:
        request.body = stream.read(length)
        if len(request.body) < length:
            return None
    return request


def _split(chunks: Iterator[bytes]) -> tuple[bytes, bytes | None]:
    """Read up to the delimiter: what stands before it, and what has come behind it; None if it lacks."""
    read = b""
    for piece in chunks:
        read += piece
        head, delimiter, rest = read.partition(_DELIMITER)
        if delimiter:
            return head, rest
    return read, None


def _ending(trailers: dict[str, str], request_id: str) -> Outcome:
    if _ERROR_TYPE not in trailers:
        return Outcome(kind="result", request_id=request_id)
    payload = binascii.a2b_base64(trailers.get(_ERROR_BODY, ""))
    return Outcome(kind="error", request_id=request_id, payload=payload, error_type=trailers[_ERROR_TYPE])


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
