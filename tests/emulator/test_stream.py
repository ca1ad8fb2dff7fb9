"""Results in pieces: from the function, over the Runtime API, to whoever asked for them."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from microlambda.emulator.invocation import StreamBroken, StreamedInvocation
from microlambda.emulator.result_stream import ResultStream
from microlambda.emulator.runtime_api import Event, RuntimeApi
from microlambda.emulator.sandbox import SandboxPool

from .conftest import MakeSpec
from .streams import FUNCTION, Gate, over, streamed


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


def test_a_piece_arrives_before_the_next_is_made(function: MakeSpec, gate: Gate) -> None:
    with SandboxPool(function(FUNCTION, environment=gate.environment)) as pool:
        invocation = streamed(pool.invoke(b'"halves"'))

        assert json.loads(invocation.payload)["statusCode"] == 200
        assert next(invocation.body) == b"a"
        gate.open()
        assert list(invocation.body) == [b"b"]
        assert over(invocation).function_error is None


def test_an_environment_is_free_when_its_body_has_ended(function: MakeSpec) -> None:
    with SandboxPool(function(FUNCTION)) as pool:
        pids = {b"".join(streamed(pool.invoke(b'"pid"')).body) for _ in range(20)}
        pids.add(pool.invoke(b'"whole"').payload)

        assert len(pids) == 1


def test_large_and_empty_pieces_arrive_as_they_are(function: MakeSpec) -> None:
    with SandboxPool(function(FUNCTION)) as pool:
        body = b"".join(streamed(pool.invoke(b'"large"')).body)

    assert body == bytes(range(256)) * 20_000 + b"end"


def test_an_error_before_the_first_piece_is_the_functions_error(function: MakeSpec) -> None:
    with SandboxPool(function(FUNCTION), output=lambda *_: None) as pool:
        invocation = pool.invoke(b'"early-error"')

    assert not isinstance(invocation, StreamedInvocation)
    assert invocation.function_error == "Unhandled"
    assert json.loads(invocation.payload)["errorType"] == "KeyError"


def test_an_error_half_way_breaks_the_body_and_is_printed_once(function: MakeSpec) -> None:
    lines: list[bytes] = []
    with SandboxPool(function(FUNCTION), output=lambda line, _: lines.append(line)) as pool:
        invocation = streamed(pool.invoke(b'"late-error"'))
        assert next(invocation.body) == b"a"
        with pytest.raises(StreamBroken):
            next(invocation.body)
        ended = over(invocation)
        again = pool.invoke(b'"whole"')

    assert (ended.function_error, json.loads(ended.payload)["errorMessage"]) == ("Unhandled", "'half-way'")
    assert b"".join(lines).count(b"KeyError: 'half-way'") == 1
    assert b"runtime_client.py" not in b"".join(lines)
    assert again.function_error is None


def test_closing_a_body_runs_the_functions_clean_up_and_frees_its_environment(
    function: MakeSpec, tmp_path: Path
) -> None:
    life = tmp_path / "life"
    with SandboxPool(function(FUNCTION, environment={"LIFE": str(life)})) as pool:
        pid = pool.invoke(b'"whole"').payload
        invocation = streamed(pool.invoke(b'"endless"'))
        next(invocation.body)
        invocation.body.close()
        invocation.body.close()

        assert life.read_text() == "clean-up "
        assert over(invocation).function_error is None
        assert list(invocation.body) == []
        assert pool.invoke(b'"whole"').payload == pid


def test_a_timeout_half_way_breaks_the_body_and_ends_the_process(function: MakeSpec, gate: Gate) -> None:
    with SandboxPool(function(FUNCTION, timeout=1.5, environment=gate.environment)) as pool:
        invocation = streamed(pool.invoke(b'"hanging"'))
        pid = int(next(invocation.body))
        with pytest.raises(StreamBroken, match=r"Task timed out after 1\.50 seconds"):
            next(invocation.body)

        assert over(invocation).timed_out
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert int(pool.invoke(b'"whole"').payload) != pid


def has_ended(pid: int) -> bool:
    """Wait for the end of a process, but not for ever."""
    for _ in range(3000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_a_timeout_ends_a_function_though_nobody_reads(function: MakeSpec, gate: Gate) -> None:
    with SandboxPool(function(FUNCTION, timeout=0.5, environment=gate.environment)) as pool:
        invocation = streamed(pool.invoke(b'"hanging"'))
        pid = int(next(invocation.body))

        assert has_ended(pid)
        with pytest.raises(StreamBroken, match="Task timed out"):
            next(invocation.body)
        assert pool.size == 0


def test_an_exit_half_way_breaks_the_body(function: MakeSpec, gate: Gate) -> None:
    with SandboxPool(function(FUNCTION, environment=gate.environment)) as pool:
        invocation = streamed(pool.invoke(b'"exiting"'))
        assert next(invocation.body) == b"a"
        gate.open()
        with pytest.raises(StreamBroken, match="exit status 3"):
            next(invocation.body)
        assert pool.invoke(b'"whole"').function_error is None


def test_stopping_breaks_the_body(function: MakeSpec, gate: Gate) -> None:
    with SandboxPool(function(FUNCTION, environment=gate.environment)) as pool:
        invocation = streamed(pool.invoke(b'"hanging"'))
        next(invocation.body)

        pool.stop()

        with pytest.raises(StreamBroken):
            next(invocation.body)


def test_a_function_is_never_far_ahead_of_its_reader() -> None:
    stream, size, made = ResultStream(), 100_000, 0

    def make() -> None:
        nonlocal made
        while stream.put(bytes(size)):
            made += 1

    maker = threading.Thread(target=make)
    maker.start()
    ahead = []
    for taken in range(1, 500):
        stream.take()
        ahead.append(made - taken)
    stream.abandon()
    maker.join()

    assert max(ahead) * size <= 1 << 20


# The Runtime API's side of the protocol.


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    api = RuntimeApi().start()
    yield api
    api.stop()


def send_event(api: RuntimeApi, request_id: str) -> None:
    api.send(Event(request_id=request_id, payload=b"{}", deadline_ms=0, function_arn="arn"))


def begin(api: RuntimeApi, *fields: str) -> socket.socket:
    """Begin to post a result in chunks."""
    send_event(api, "r-1")
    host, port = api.address.split(":")
    line = socket.create_connection((host, int(port)), timeout=30)
    head = (
        "POST /2018-06-01/runtime/invocation/r-1/response HTTP/1.1",
        f"Host: {api.address}",
        "Content-Type: application/vnd.awslambda.http-integration-response",
        "Lambda-Runtime-Function-Response-Mode: streaming",
        "Transfer-Encoding: chunked",
        *fields,
    )
    line.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
    return line


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def stream_of(api: RuntimeApi) -> tuple[bytes, ResultStream]:
    outcome = api.outcome(30)
    assert outcome is not None
    assert outcome.stream is not None
    return outcome.payload, outcome.stream


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b'{"a": 1}' + bytes(8) + b"body"], id="in one chunk"),
        pytest.param([b'{"a": 1}', bytes(8), b"body"], id="in three"),
        pytest.param([b'{"a"', b": 1}" + bytes(3), bytes(5) + b"bo", b"dy"], id="split in the delimiter"),
    ],
)
def test_the_head_ends_at_the_delimiter_wherever_chunks_end(api: RuntimeApi, pieces: list[bytes]) -> None:
    with begin(api) as line:
        for piece in pieces:
            line.sendall(chunk(piece))
        head, stream = stream_of(api)
        line.sendall(b"0\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 202 ")

    assert head == b'{"a": 1}'
    assert b"".join(iter(stream.take, None)) == b"body"


def test_a_result_in_chunks_without_a_delimiter_is_a_whole_one(api: RuntimeApi) -> None:
    with begin(api) as line:
        line.sendall(chunk(b'{"a"') + chunk(b": 1}") + b"0\r\n\r\n")
        outcome = api.outcome(30)

    assert outcome is not None
    assert (outcome.kind, outcome.payload, outcome.stream) == ("result", b'{"a": 1}', None)


def test_an_error_in_the_trailers_is_the_functions_error(api: RuntimeApi) -> None:
    document = base64.b64encode(b'{"errorType": "E"}')
    with begin(api) as line:
        line.sendall(
            chunk(b"{}" + bytes(8)) + b"0\r\nLambda-Runtime-Function-Error-Type: Function.E\r\n"
            b"Lambda-Runtime-Function-Error-Body: " + document + b"\r\n\r\n"
        )
        ended = stream_of(api)[1].outcome()

    assert ended is not None
    assert (ended.kind, ended.error_type, ended.payload) == ("error", "Function.E", b'{"errorType": "E"}')


def test_a_result_that_its_client_breaks_off_is_an_error(api: RuntimeApi) -> None:
    with begin(api) as line:
        line.sendall(chunk(b"{}" + bytes(8)) + chunk(b"begun"))
        _, stream = stream_of(api)
        assert stream.take() == b"begun"
    send_event(api, "r-2")
    client = http.client.HTTPConnection(api.address, timeout=30)
    client.request("GET", "/2018-06-01/runtime/invocation/next")
    client.getresponse().read()
    client.close()

    ended = stream.outcome()
    assert ended is not None
    assert ended.kind == "error"


def test_chunks_from_a_web_page_are_refused(api: RuntimeApi) -> None:
    with begin(api, "Origin: http://evil.example") as line:
        line.sendall(chunk(b"{}" + bytes(8)) + b"0\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 403 ")
