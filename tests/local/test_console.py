"""What `microlambda local` prints."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from queue import Queue
from typing import Any

import pytest

from microlambda.emulator.invocation import Invocation
from microlambda.emulator.messages import HttpRequest, HttpResponse
from microlambda.local.console import Console
from microlambda.local.json_console import JsonConsole
from microlambda.local.version import AppReport
from microlambda.project.errors import AppImportFailed


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


REQUEST = HttpRequest(method="GET", target="/a?b=1")
ANSWER = HttpResponse(status=404)
INVOCATION = Invocation(request_id="1", payload=b"{}", duration=2.6)
REPORT = AppReport(name="shop", app="app:app", routes=((("GET",), "/", "index", "app.py:1"),), files=())


def test_handlers_of_events_are_listed_with_what_runs_them() -> None:
    out = StringIO()
    handler = ("@app.schedule('rate(1 day)')", "nightly", "app.py:5")
    report = replace(REPORT, handlers=(handler,))

    Console(out).started(report, stage="local", ingress="http-api", url="http://127.0.0.1:1")
    Console(out).reloaded(REPORT, report, 0.1)
    Console(out).reloaded(report, report, 0.1)

    listed = "  @app.schedule('rate(1 day)')  nightly  app.py:5\n"
    assert out.getvalue().count(listed) == 2
    assert "fire" not in out.getvalue()


def test_handlers_that_nothing_fires_are_named_with_what_runs_them() -> None:
    out = StringIO()
    handler = ("@app.on_log_events('/x')", "logged", "app.py:5")

    Console(out).started(
        replace(REPORT, handlers=(handler,), waiting=("logged",)), stage="local", ingress="http-api", url="u"
    )

    assert "  Not fired here: logged. `microlambda invoke NAME` runs one of them.\n" in out.getvalue()


def test_why_nothing_fires_the_handlers_is_said() -> None:
    out = StringIO()
    handler = ("@app.schedule('rate(1 day)')", "nightly", "app.py:5")

    Console(out).started(
        replace(REPORT, handlers=(handler,), unplanned="PlanError: no"),
        stage="local",
        ingress="http-api",
        url="u",
    )

    assert "  Nothing fires them here: PlanError: no\n" in out.getvalue()


def test_one_line_for_a_request() -> None:
    out = StringIO()

    Console(out).request(REQUEST, ANSWER, INVOCATION)

    assert out.getvalue()[8:] == " GET /a?b=1 404 3 ms\n"


def test_what_a_function_prints_stands_below_the_line_of_its_request() -> None:
    out = StringIO()
    console = Console(out)

    console.output("http", b"at import\n", None)
    console.output("http", b"one\n", "1")
    console.output("http", b"of another\n", "2")
    console.output("http", "zw\u00f6lf\rlines\n".encode(), "1")
    console.request(REQUEST, ANSWER, INVOCATION)
    console.invoked(REPORT, "ordered", replace(INVOCATION, request_id="2"))

    lines = out.getvalue().splitlines()
    assert lines[0] == "at import"
    assert lines[1].endswith(" GET /a?b=1 404 3 ms")
    assert lines[2:5] == ["  one", "  zw\u00f6lf", "  lines"]
    assert lines[5].endswith(" invoke ordered ok 3 ms")
    assert lines[6:] == ["  of another"]


def test_what_a_function_prints_that_takes_long_is_shown_before_its_end() -> None:
    shown: Queue[str] = Queue()

    class Out(StringIO):
        def write(self, text: str) -> int:
            for line in text.splitlines():
                shown.put(line)
            return super().write(text)

    out = Out()
    console = Console(out)

    console.output("nightly", b"one\n", "1")
    console.output("nightly", b"two\n", "1")
    first = [shown.get(timeout=30) for _ in range(3)]
    console.output("nightly", b"three\n", "1")
    console.invoked(REPORT, "nightly", INVOCATION)

    assert first[0][8:] == " nightly is running"
    assert first[1:] == ["  one", "  two"]
    lines = out.getvalue().splitlines()
    assert lines[3] == "  three"
    assert lines[4].endswith(" invoke nightly ok 3 ms")
    assert lines[5:] == []


def test_what_a_function_printed_that_has_no_end_is_shown_when_the_server_stops() -> None:
    out = StringIO()
    console = Console(out)

    console.output("http", b"one\n", "1")
    console.stopped()

    assert out.getvalue()[8:] == " http is running\n  one\n"


def test_what_the_gateway_answered_by_itself_says_why() -> None:
    out = StringIO()
    console = Console(out)

    console.explain("the request's headers are too large")
    console.request(REQUEST, HttpResponse(status=431), None)
    console.request(REQUEST, ANSWER, INVOCATION)

    first, reason, second = out.getvalue().splitlines()
    assert first.endswith(" 431 -")
    assert reason == "  the request's headers are too large"
    assert second.endswith(" 404 3 ms")


def test_colours_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, file = Terminal(), StringIO()

    for out in (terminal, file):
        Console(out).request(REQUEST, ANSWER, INVOCATION)

    assert "\x1b[33m404\x1b[0m" in terminal.getvalue()
    assert "\x1b" not in file.getvalue()


def test_no_colour_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()

    Console(terminal).request(REQUEST, ANSWER, INVOCATION)

    assert "\x1b" not in terminal.getvalue()


def test_a_request_cannot_move_the_cursor() -> None:
    out = StringIO()

    Console(out).request(HttpRequest(method="GET", target="/\x1b[2J"), ANSWER, INVOCATION)

    assert r"/\x1b[2J" in out.getvalue()


def test_a_failed_reload_shows_the_error_and_the_users_traceback() -> None:
    err = StringIO()
    error = AppImportFailed("app.py:3: SyntaxError: invalid syntax")
    error.add_note("  File app.py, line 3")

    Console(StringIO(), err).failed(error)

    assert err.getvalue().splitlines() == [
        "AppImportFailed: app.py:3: SyntaxError: invalid syntax",
        "  File app.py, line 3",
        "The last good version keeps serving.",
    ]


def test_a_reload_shows_the_routes_where_they_are_others() -> None:
    out = StringIO()
    console = Console(out)

    console.reloaded(REPORT, REPORT, 0.1)
    console.reloaded(None, REPORT, 0.1)

    assert out.getvalue().splitlines() == [
        "Reloaded in 0.10 s",
        "Reloaded in 0.10 s",
        "  GET  /  index  app.py:1",
    ]


def told(out: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_for_programs_each_thing_is_one_object_a_line() -> None:
    out = StringIO()
    console = JsonConsole(out)
    handler = ("@app.on_sqs_message(queue='orders')", "ordered", "app.py:5")
    report = replace(REPORT, handlers=(handler,), waiting=("ordered",))

    console.started(report, stage="local", ingress="http-api", url="http://127.0.0.1:1")
    console.by_hand("http://127.0.0.1:1", "t0k3n")
    console.explain("too large")
    console.request(REQUEST, HttpResponse(status=431), None)
    console.request(REQUEST, ANSWER, INVOCATION)
    console.invoked(
        report, "ordered", replace(INVOCATION, payload=b'{"batchItemFailures":[{"itemIdentifier":"m"}]}')
    )
    console.invoked(report, "ordered", replace(INVOCATION, payload=FAILURE, function_error="Unhandled"))
    console.output("ordered", b"printed\n", "1")
    console.note("a note")
    console.cut_off({"1": "resize"})
    console.failed(AppImportFailed("app.py:1: SyntaxError"))
    console.reloaded(report, report, 0.123)

    lines = told(out)
    assert [line["type"] for line in lines] == [
        *(
            "started",
            "by_hand",
            "request",
            "request",
            "event",
            "event",
            "output",
            "note",
            "cut_off",
            "failed",
        ),
        "reloaded",
    ]
    assert lines[0]["handlers"] == [
        {
            "trigger": "@app.on_sqs_message(queue='orders')",
            "name": "ordered",
            "location": "app.py:5",
            "fired": False,
        }
    ]
    assert lines[0]["routes"] == [{"methods": ["GET"], "rule": "/", "view": "index", "location": "app.py:1"}]
    assert (lines[1]["header"], lines[1]["token"]) == ("X-Microlambda-Token", "t0k3n")
    assert (lines[2]["status"], lines[2]["reason"], lines[2]["duration"]) == (431, "too large", None)
    assert (lines[3]["target"], lines[3]["reason"], lines[3]["duration"]) == ("/a?b=1", None, 2.6)
    assert (lines[4]["outcome"], lines[4]["failed_records"], lines[4]["trigger"]) == (
        "ok",
        ["m"],
        "on_sqs_message(queue='orders')",
    )
    assert (lines[5]["outcome"], lines[5]["reason"]) == ("failed", "KeyError: 'x'")
    assert (lines[6]["function"], lines[6]["text"]) == ("ordered", "printed")
    assert (lines[9]["error"], lines[10]["duration"]) == ("AppImportFailed", 123)


FAILURE = b'{"errorType": "KeyError", "errorMessage": "\'x\'"}'
