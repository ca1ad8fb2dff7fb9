"""The Runtime API with both clients: ours gives what AWS's gives."""

from __future__ import annotations

import http.client
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from microlambda.emulator import runtime_client
from microlambda.emulator.runtime_api import Event, RuntimeApi
from microlambda.emulator.sandbox import InitFailed, Sandbox, SandboxPool

from .conftest import MakeSpec

HAS_AWSLAMBDARIC = importlib.util.find_spec("awslambdaric") is not None
CLIENTS = [
    pytest.param("ours", id="ours"),
    pytest.param(
        "aws", id="awslambdaric", marks=pytest.mark.skipif(not HAS_AWSLAMBDARIC, reason="no wheel here")
    ),
]


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    api = RuntimeApi().start()
    yield api
    api.stop()


def run(function: MakeSpec, source: str, client: str, event: object = None) -> tuple[str | None, Any]:
    with SandboxPool(function(source, client=client), output=lambda *_: None) as pool:
        invocation = pool.invoke(json.dumps(event).encode())
    return invocation.function_error, json.loads(invocation.payload)


@pytest.mark.parametrize("client", CLIENTS)
def test_the_event_and_the_context_reach_the_handler(function: MakeSpec, client: str) -> None:
    source = """
        def handler(event, context):
            names = ("aws_request_id", "function_name", "function_version", "memory_limit_in_mb",
                     "log_group_name", "invoked_function_arn", "client_context", "tenant_id")
            told = {name: getattr(context, name) for name in names}
            left = context.get_remaining_time_in_millis()
            return {"event": event, "context": told, "left": 15000 < left <= 20000, "w3c": context.w3c(),
                    "identity": context.identity.cognito_identity_id,
                    "stream": context.log_stream_name[10:14]}
    """

    with SandboxPool(function(source, client=client)) as pool:
        invocation = pool.invoke(b'{"a": "\xc3\xa9"}', request_id="4c3f-1")

    told = json.loads(invocation.payload)
    assert told["event"] == {"a": "é"}
    assert told["context"] == {
        "aws_request_id": "4c3f-1",
        "function_name": "greeter",
        "function_version": "7",
        "memory_limit_in_mb": "256",
        "log_group_name": "/aws/lambda/greeter",
        "invoked_function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:greeter:7",
        "client_context": None,
        "tenant_id": None,
    }
    assert (told["left"], told["w3c"], told["identity"], told["stream"]) == (
        True,
        {},
        None,
        "/[7]",
    )


@pytest.mark.parametrize("client", CLIENTS)
def test_the_trace_id_and_client_context_are_handed_on(function: MakeSpec, client: str) -> None:
    source = """
        import os
        def handler(event, context):
            sent = context.client_context
            return [os.environ["_X_AMZN_TRACE_ID"], sent.custom, sent.client.app_title]
    """

    with SandboxPool(function(source, client=client)) as pool:
        context = json.dumps({"custom": {"a": 1}, "client": {"app_title": "t"}})
        invocation = pool.invoke(b"{}", trace_id="Root=1-2-3", client_context=context)

    assert json.loads(invocation.payload) == ["Root=1-2-3", {"a": 1}, "t"]


@pytest.mark.parametrize("client", CLIENTS)
def test_an_exception_becomes_the_error_document(function: MakeSpec, client: str) -> None:
    error, document = run(function, "def handler(event, context):\n    raise ValueError('of mine')\n", client)

    assert error == "Unhandled"
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "of mine")
    assert len(document["requestId"]) == 36
    assert document["stackTrace"][0].splitlines()[0].endswith('app.py", line 2, in handler')
    assert set(document) == {"errorType", "errorMessage", "requestId", "stackTrace"}


@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        pytest.param(
            "import nothing_there",
            "Runtime.ImportModuleError",
            "No module named 'nothing_there'",
            id="import",
        ),
        pytest.param(
            "def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'", id="syntax"
        ),
        pytest.param(
            "x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'", id="no-handler"
        ),
        pytest.param("1 / 0", "ZeroDivisionError", "division by zero", id="raises"),
    ],
)
@pytest.mark.parametrize("client", CLIENTS)
def test_what_fails_at_init_is_reported(
    function: MakeSpec, client: str, source: str, error_type: str, message: str
) -> None:
    error, document = run(function, source, client)

    assert error == "Unhandled"
    assert document["errorType"] == error_type
    assert message in document["errorMessage"]
    assert document["requestId"] == ""


@pytest.mark.parametrize(
    "value", ["object()", "(n for n in [1])", "{1, 2}"], ids=["object", "generator", "set"]
)
@pytest.mark.parametrize("client", CLIENTS)
def test_what_json_lacks_is_a_marshal_error(function: MakeSpec, client: str, value: str) -> None:
    error, document = run(function, f"def handler(event, context):\n    return {value}\n", client)

    assert error == "Unhandled"
    assert document["errorType"] == "Runtime.MarshalError"
    assert document["errorMessage"].startswith("Unable to marshal response: Object of type ")


@pytest.mark.parametrize("client", CLIENTS)
def test_numbers_go_out_as_numbers(function: MakeSpec, client: str) -> None:
    source = """
        import decimal, math
        def handler(event, context):
            return [decimal.Decimal("1.50"), decimal.Decimal(7), math.nan]
    """

    _, values = run(function, source, client)

    assert values[:2] == [1.5, 7]
    assert math.isnan(values[2])


@pytest.mark.parametrize("client", CLIENTS)
def test_bytes_go_out_as_they_are(function: MakeSpec, client: str) -> None:
    _, value = run(function, "def handler(event, context):\n    return b'{\"raw\": 1}'\n", client)

    assert value == {"raw": 1}


@pytest.mark.parametrize("client", CLIENTS)
def test_large_events_and_results_pass(function: MakeSpec, client: str) -> None:
    _, value = run(function, "def handler(event, context):\n    return event\n", client, "x" * 5_000_000)

    assert len(value) == 5_000_000


@pytest.mark.parametrize("client", CLIENTS)
def test_what_the_handler_logs_carries_the_request_id(function: MakeSpec, client: str) -> None:
    source = """
        import logging
        def handler(event, context):
            logging.getLogger().warning("careful")
    """
    with SandboxPool(function(source, client=client), output=lambda *_: None) as pool:
        invocation = pool.invoke(b"{}", request_id="4c3f-1")

    assert invocation.log.startswith(b"[WARNING]\t")
    assert invocation.log.endswith(b"Z\t4c3f-1\tcareful\n")


def test_the_contexts_have_the_same_attributes() -> None:
    lambda_context = pytest.importorskip("awslambdaric.lambda_context")
    theirs = lambda_context.LambdaContext("id", None, None, 0)
    ours = runtime_client.LambdaContext({"lambda-runtime-aws-request-id": "id"})

    def public(thing: object) -> set[str]:
        return {name for name in dir(thing) if not name.startswith("_")}

    assert public(ours) == public(theirs)


def test_results_for_another_request_are_refused(api: RuntimeApi) -> None:
    connection = runtime_client.Connection(api.address)
    api.send(Event(request_id="a", payload=b"{}", deadline_ms=0, function_arn="arn"))
    fields, payload = connection.get("/2018-06-01/runtime/invocation/next")
    assert (fields["lambda-runtime-aws-request-id"], payload) == ("a", b"{}")

    connection.post("/2018-06-01/runtime/invocation/b/response", b"1")
    connection.post("/2018-06-01/runtime/invocation/a/response", b"2")
    connection.post("/2018-06-01/runtime/invocation/a/response", b"3")

    outcome = api.outcome(20)
    assert outcome is not None
    assert (outcome.request_id, outcome.payload) == ("a", b"2")
    assert api.outcome(0.01) is None
    connection.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/2018-06-01/runtime/other"), ("POST", "/2018-06-01/runtime/invocation/a/other"), ("PUT", "/")],
)
def test_other_paths_are_404(api: RuntimeApi, method: str, path: str) -> None:
    connection = http.client.HTTPConnection(api.address, timeout=20)
    connection.request(method, path)
    response = connection.getresponse()
    response.read()
    connection.close()

    assert response.status == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"Host": "attacker.example"},
        {"Host": "localhost"},
        {"Host": ""},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=lambda fields: "-".join(f"{name}={value}" for name, value in fields.items()),
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/2018-06-01/runtime/invocation/next"),
        ("POST", "/2018-06-01/runtime/invocation/a/response"),
        ("POST", "/2018-06-01/runtime/init/error"),
        ("POST", "/microlambda/ready"),
    ],
)
def test_web_pages_neither_read_events_nor_forge_answers(
    api: RuntimeApi, method: str, path: str, fields: dict[str, str]
) -> None:
    api.send(Event(request_id="a", payload=b'"secret"', deadline_ms=0, function_arn="arn"))
    connection = http.client.HTTPConnection(api.address, timeout=20)
    connection.request(method, path, body=b"{}" if method == "POST" else None, headers=fields)
    response = connection.getresponse()
    answer = response.read()
    connection.close()

    assert response.status == 403
    assert b"secret" not in answer
    assert not api.ready.is_set()
    assert api.outcome(0.01) is None


def test_the_ready_document_is_kept(api: RuntimeApi) -> None:
    connection = runtime_client.Connection(api.address)
    runtime_client.report_ready(connection, {"name": "demo", "routes": ["GET /"]})
    connection.close()

    assert api.document == {"name": "demo", "routes": ["GET /"]}


def test_the_client_ends_when_the_api_goes_away(function: MakeSpec) -> None:
    spec = function("def handler(event, context):\n    return 1\n")
    api = RuntimeApi().start()
    child = subprocess.Popen(
        spec.command, cwd=spec.cwd, env={**spec.environment, "AWS_LAMBDA_RUNTIME_API": api.address}
    )
    assert api.ready.wait(20)

    api.stop()

    assert child.wait(20) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(
    "body", ["import time; time.sleep(60)", "while True: pass"], ids=["sleeping", "busy"]
)
def test_an_interrupt_ends_the_client_at_once_and_without_a_word(function: MakeSpec, body: str) -> None:
    source = f"""
        def handler(event, context):
            print("on it", flush=True)
            {body}
    """
    spec = function(source)
    api = RuntimeApi().start()
    child = subprocess.Popen(
        spec.command,
        cwd=spec.cwd,
        env={**spec.environment, "AWS_LAMBDA_RUNTIME_API": api.address},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    api.send(Event(request_id="a", payload=b"{}", deadline_ms=0, function_arn="arn"))
    assert child.stdout is not None
    assert child.stdout.readline() == b"on it\n"

    os.kill(child.pid, signal.SIGINT)

    assert child.wait(20) == 130
    assert child.stdout.read() == b""
    child.stdout.close()
    api.stop()


def test_the_error_document_starts_at_the_users_frame() -> None:
    def fail() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError) as caught:
        fail()

    document = runtime_client.error_document(caught.value, "id")

    assert document["errorType"] == "KeyError"
    assert Path(__file__).name in document["stackTrace"][0]


def test_a_result_with_a_lone_surrogate_is_escaped(function: MakeSpec) -> None:
    _, value = run(function, "def handler(event, context):\n    return {'a': '\\ud800'}\n", "ours")

    assert value == {"a": "\ud800"}


def test_decimals_are_encoded_exactly_as_whole_numbers() -> None:
    assert runtime_client._encode([Decimal(10**20), Decimal("NaN")]) == b"[100000000000000000000, NaN]"


def test_init_failures_say_what_an_invocation_gets(function: MakeSpec) -> None:
    sandbox = Sandbox(function("import nothing_there"), output=lambda *_: None)

    with pytest.raises(InitFailed, match="nothing_there") as caught:
        sandbox.start()

    assert caught.value.invocation.function_error == "Unhandled"
    assert not sandbox.alive
