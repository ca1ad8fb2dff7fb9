"""A Lambda runtime client in the standard library alone: takes events from a Runtime API and calls a handler.

`microlambda local` runs the app with it, and the embedded cloud runs archives with it where AWS's own
client, awslambdaric, has no wheel. Errors have the shapes of that client's. As a script, it needs nothing
of microlambda:

    AWS_LAMBDA_RUNTIME_API=127.0.0.1:PORT python runtime_client.py app.handler
"""

from __future__ import annotations

import binascii
import contextlib
import decimal
import importlib
import json
import logging
import math
import os
import signal
import socket
import sys
import time
import traceback
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    Handler = Callable[[Any, Any], Any]

_PREFIX = "/2018-06-01/runtime"
_PIECE = 65_536
_RUNTIME = "microlambda.runtime."  # an app's own modules, where this client runs one
_request_id = ""
_own_request_id: ContextVar[str] = ContextVar("own_request_id", default="")


class RuntimeGone(Exception):
    """The Runtime API closed the connection: the environment is to end."""


class NobodyReads(Exception):
    """The Runtime API takes no more of a result: its client has left."""


class Fault(Exception):
    """An error of the runtime's own kind, such as Runtime.HandlerNotFound."""

    def __init__(self, error_type: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.trace = trace or []


class _Members:
    """An object with some of a mapping's members as attributes, None where they lack."""

    def __init__(self, names: tuple[str, ...], values: Mapping[str, Any]) -> None:
        for name in names:
            setattr(self, name, values.get(name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({vars(self)})"


class CognitoIdentity(_Members):
    """`context.identity`."""


class Client(_Members):
    """`context.client_context.client`."""


class ClientContext(_Members):
    """`context.client_context`: what a mobile application sent along."""


class LambdaContext:
    """The second argument of a handler, with the attributes that AWS's client gives it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        environ = os.environ
        self.aws_request_id = fields.get("lambda-runtime-aws-request-id", "")
        self.log_group_name = environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = fields.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = fields.get("lambda-runtime-aws-tenant-id")
        sent = json.loads(fields.get("lambda-runtime-client-context") or "null")
        self._w3c_fields = _w3c_fields(sent)
        self.client_context = _client_context(sent)
        identity = json.loads(fields.get("lambda-runtime-cognito-identity") or "{}")
        self.identity = CognitoIdentity((), {})
        self.identity.cognito_identity_id = identity.get("cognitoIdentityId")  # type: ignore[attr-defined]
        self.identity.cognito_identity_pool_id = identity.get("cognitoIdentityPoolId")  # type: ignore[attr-defined]
        self._epoch_deadline_time_in_ms = int(fields.get("lambda-runtime-deadline-ms", "0"))

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may still run."""
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def w3c(self) -> dict[str, str]:
        """The W3C trace context of the invocation."""
        return dict(self._w3c_fields)

    def log(self, msg: object) -> None:
        """Write to the log as it is."""
        sys.stdout.write(str(msg))

    def __repr__(self) -> str:
        members = ",".join(
            f"{name}={value}" for name, value in vars(self).items() if not name.startswith("_")
        )
        return f"{type(self).__name__}([{members}])"


def _w3c_fields(sent: Any) -> dict[str, str]:
    fields = sent.pop("w3c", None) if isinstance(sent, dict) else None
    if not isinstance(fields, dict):
        return {}
    return {
        key: fields[key]
        for key in ("traceparent", "tracestate", "baggage")
        if isinstance(fields.get(key), str)
    }


def _client_context(sent: Any) -> ClientContext | None:
    if not isinstance(sent, dict):
        return None
    context = ClientContext(("custom", "env", "client"), sent)
    names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
    if isinstance(sent.get("client"), dict):
        context.client = Client(names, sent["client"])  # type: ignore[attr-defined]
    return context


class Connection:
    """One kept connection to a Runtime API."""

    def __init__(self, address: str) -> None:
        self._host = address
        self._open()

    def _open(self) -> None:
        host, _, port = self._host.rpartition(":")
        try:
            self._socket = socket.create_connection((host, int(port)))
        except OSError as exc:
            raise RuntimeGone(f"nothing listens on {self._host}") from exc
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb")

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()
        self._socket.close()

    def get(self, path: str) -> tuple[dict[str, str], bytes]:
        """Ask, and wait for as long as it takes."""
        return self._exchange(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())

    def post(self, path: str, body: bytes, fields: Mapping[str, str] | None = None) -> None:
        """Post JSON; what is answered does not matter."""
        extra = "".join(f"{name}: {value}\r\n" for name, value in (fields or {}).items())
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._exchange(head.encode() + body)

    def begin(self, path: str, prelude: bytes) -> None:
        """Begin to post an HTTP answer in chunks; the first holds what stands before the body.

        https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
        """
        self._send(
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\n"
            "Content-Type: application/vnd.awslambda.http-integration-response\r\n"
            "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
            "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
            "\r\n".encode()
            + _chunk(prelude + b"\0" * 8)
        )

    def send(self, piece: bytes) -> None:
        """Post a piece of the body; `NobodyReads` if it is not wanted."""
        for start in range(0, len(piece), _PIECE):
            self._send(_chunk(piece[start : start + _PIECE]))

    def end(self, fields: Mapping[str, str]) -> None:
        """End the answer, with trailers."""
        trailers = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._send(f"0\r\n{trailers}\r\n".encode())
        if not self._stream.readline():
            raise NobodyReads

    def reopen(self) -> None:
        """Take a new connection, as is due after an answer in chunks."""
        self.close()
        self._open()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as exc:
            raise NobodyReads from exc

    def _exchange(self, message: bytes) -> tuple[dict[str, str], bytes]:
        try:
            self._socket.sendall(message)
            if not self._stream.readline():
                raise RuntimeGone("the Runtime API closed the connection")
            fields = {}
            while (line := self._stream.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                fields[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
            return fields, self._stream.read(int(fields.get("content-length", "0")))
        except OSError as exc:
            raise RuntimeGone(str(exc)) from exc


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def load_handler(name: str) -> Handler:
    """Import `module.attribute`; every failure is a Fault as AWS's client reports it."""
    module_name, dot, attribute = name.rpartition(".")
    if not dot:
        raise Fault(
            "Runtime.MalformedHandlerName",
            f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)",
        )
    module_name = module_name.replace("/", ".")
    if module_name.partition(".")[0] in sys.builtin_module_names:
        message = f"Cannot use built-in module {module_name} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", message)
    try:
        module = importlib.import_module(module_name)
    except ImportError as exc:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {exc}") from exc
    except SyntaxError as exc:
        trace = [f'  File "{exc.filename}" Line {exc.lineno}\n    {exc.text}']
        message = f"Syntax error in module '{module_name}': {exc}"
        raise Fault("Runtime.UserCodeSyntaxError", message, trace) from exc
    try:
        handler: Handler = getattr(module, attribute)
    except AttributeError as exc:
        raise Fault(
            "Runtime.HandlerNotFound", f"Handler '{attribute}' missing on module '{module_name}'"
        ) from exc
    return handler


def report_ready(connection: Connection, document: Mapping[str, Any]) -> None:
    """Tell the parent of `microlambda local` what the app is called and what it has."""
    connection.post("/microlambda/ready", json.dumps(document).encode())


def report_task(connection: Connection, request_id: str, name: str | None) -> None:
    """Tell the parent of a task that has been taken on, and without its name, that it is over."""
    told = {"id": request_id} if name is None else {"id": request_id, "task": name}
    connection.post("/microlambda/task", json.dumps(told).encode())


def report_debugger(connection: Connection) -> None:
    """Tell the parent that somebody debugs the current event."""
    connection.post("/microlambda/debugger", b"{}")


def report_init_error(connection: Connection, error: BaseException) -> dict[str, Any]:
    """Report that there is nothing to call; answers the error document."""
    document = error_document(error, "")
    fields = {"Lambda-Runtime-Function-Error-Type": document["errorType"]}
    connection.post(f"{_PREFIX}/init/error", _encode(document), fields)
    return document


def serve(handler: Handler, connection: Connection) -> None:
    """Call `handler` for one event after the other, until the Runtime API goes away."""
    with contextlib.suppress(RuntimeGone):
        while True:
            _serve_one(handler, connection)


def error_document(error: BaseException, request_id: str) -> dict[str, Any]:
    """An exception as Lambda answers it."""
    if isinstance(error, Fault):
        kind, trace = error.error_type, error.trace
    else:
        kind, trace = type(error).__name__, traceback.format_list(traceback.extract_tb(_users_part(error)))
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": trace}


def _serve_one(handler: Handler, connection: Connection) -> None:
    global _request_id
    fields, payload = connection.get(f"{_PREFIX}/invocation/next")
    _request_id = request_id = fields["lambda-runtime-aws-request-id"]
    if trace_id := fields.get("lambda-runtime-trace-id"):
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    path = f"{_PREFIX}/invocation/{request_id}"
    try:
        result = _result(handler, fields, payload)
        if hasattr(result, "chunks"):
            _stream(connection, f"{path}/response", result)
            return
        answer = _marshalled(result)
    except Exception as exc:  # noqa: BLE001 - whatever the handler raised is the invocation's error
        document = error_document(exc, request_id)
        _print_error(exc)
        fields = {"Lambda-Runtime-Function-Error-Type": document["errorType"]}
        connection.post(f"{path}/error", _encode(document), fields)
        return
    connection.post(f"{path}/response", answer)


def _result(handler: Handler, fields: Mapping[str, str], payload: bytes) -> Any:
    context = LambdaContext(fields)
    try:
        event = json.loads(payload)
    except ValueError as exc:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {exc}") from exc
    return handler(event, context)


def _marshalled(result: Any) -> bytes:
    if isinstance(result, bytes):
        return result
    try:
        return _encode(result)
    except Exception as exc:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {exc}") from exc


def _stream(connection: Connection, path: str, result: Any) -> None:
    """Post a result whose `chunks` are made meanwhile, and close them; its own JSON stands before them.

    An error before the first piece is raised, as of any handler; a later one goes into the trailers.
    """
    chunks = result.chunks
    try:
        prelude = _marshalled(result)
        piece = next(chunks, None)
    except BaseException:
        chunks.close()
        raise
    trailers = {}
    try:
        with contextlib.closing(chunks):
            connection.begin(path, prelude)
            while piece is not None:
                connection.send(piece)
                piece = next(chunks, None)
    except NobodyReads:
        pass  # closing the pieces has run their clean-up
    except Exception as exc:  # noqa: BLE001 - whatever a piece raised is the invocation's error
        if not getattr(chunks, "has_logged", False):
            _print_error(exc)
        trailers = _error_trailers(exc)
    with contextlib.suppress(NobodyReads):
        connection.end(trailers)
    connection.reopen()


def _error_trailers(error: Exception) -> dict[str, str]:
    document = error_document(error, _request_id)
    return {
        "Lambda-Runtime-Function-Error-Type": document["errorType"],
        "Lambda-Runtime-Function-Error-Body": binascii.b2a_base64(_encode(document), newline=False).decode(),
    }


def _encode(value: Any) -> bytes:
    # A lone surrogate is no UTF-8; escaped, it is at least JSON.
    try:
        return json.dumps(value, default=_number, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value, default=_number).encode()


def _number(value: object) -> float | int:
    """AWS's client writes Decimals as numbers; anything else that JSON lacks is an error."""
    if isinstance(value, decimal.Decimal):
        if value.is_nan():
            return math.nan
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _users_part(error: BaseException) -> TracebackType | None:
    """The traceback from the first frame that is not ours; where nothing else is in it, from the app's."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return _behind_the_runtime(trace)


def _behind_the_runtime(trace: TracebackType | None) -> TracebackType | None:
    users = trace
    while users is not None and users.tb_frame.f_globals.get("__name__", "").startswith(_RUNTIME):
        users = users.tb_next
    return users or trace


def _print_error(error: BaseException) -> None:
    if isinstance(error, Fault):
        text = f"[ERROR] {error.error_type}: {error}\n{''.join(error.trace)}"
    else:
        text = "".join(traceback.format_exception(type(error), error, _users_part(error)))
    sys.stderr.write(text if text.endswith("\n") else f"{text}\n")
    sys.stderr.flush()


def print_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what ends the process, from the first frame of the user's: a hook of `sys`."""
    ours, frame = trace, trace
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == __file__:
            ours = frame.tb_next
        frame = frame.tb_next
    sys.stderr.write("".join(traceback.format_exception(kind, error, _behind_the_runtime(ours))))
    sys.stderr.flush()


def set_up_logging() -> None:
    """Give the root logger the handler that AWS's client gives it: level, time, request id, message."""

    def with_request_id(record: logging.LogRecord) -> bool:
        record.aws_request_id = _own_request_id.get() or _request_id
        return True

    handler = logging.StreamHandler(sys.stdout)
    formatter = logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(with_request_id)
    logging.getLogger().addHandler(handler)


@contextlib.contextmanager
def logging_as(request_id: str) -> Iterator[None]:
    """Let log lines carry another id than that of the event being answered: that of a task beside it."""
    token = _own_request_id.set(request_id)
    try:
        yield
    finally:
        _own_request_id.reset(token)


def end_quietly_on_interrupt() -> None:
    """Make Ctrl-C end this process at once and without a traceback; the parent says what there is to say."""

    def end(_number: int, _frame: object) -> NoReturn:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(130)

    signal.signal(signal.SIGINT, end)


def main(argv: list[str]) -> int:
    """Run the handler that the first argument or _HANDLER names."""
    end_quietly_on_interrupt()
    set_up_logging()
    try:
        connection = Connection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    except RuntimeGone:
        return 0
    try:
        handler = load_handler(argv[1] if len(argv) > 1 else os.environ["_HANDLER"])
    except Exception as exc:  # noqa: BLE001 - whatever the module raised is the error of init
        _print_error(exc)
        with contextlib.suppress(RuntimeGone):
            report_init_error(connection, exc)
        return 1
    serve(handler, connection)
    connection.close()
    return 0


if __name__ == "__main__":
    # As a script its folder would stand first on sys.path, with our modules in it; the code's folder belongs
    # there.
    sys.path[0] = os.getcwd()  # noqa: PTH109 - a str is what sys.path holds
    sys.exit(main(sys.argv))
