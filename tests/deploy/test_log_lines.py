"""Which request a line is of, and whether it tells of an error, in both of Lambda's formats."""

from __future__ import annotations

import json

import pytest

from microlambda.deploy.log_lines import Requests, is_error


def test_lines_between_start_and_report_are_of_that_request_in_their_stream() -> None:
    requests = Requests()

    lines = [
        *[
            ("a", "cold start"),
            ("a", "START RequestId: one Version: 3"),
            ("b", "START RequestId: two Version: 3"),
        ],
        *[("a", "hello"), ("b", "hello"), ("a", "END RequestId: one"), ("a", "flushed late")],
        *[("a", "REPORT RequestId: one Duration: 2 ms"), ("a", "between"), ("b", "still")],
    ]

    assert [requests.of(stream, text) for stream, text in lines] == [
        *("", "one", "two", "one", "two", "one", "one", "one", "", "two"),
    ]


ID = "3db022a9-e4c4-4937-bcdc-803e5809820d"


@pytest.mark.parametrize(
    "text",
    [
        f"[ERROR]\t2026-11-27T07:58:04.633Z\t{ID}\tcould not",
        f"[INFO]\t2026-11-27T07:58:04.633Z\t{ID}\tdone",
        f"2026-11-27T07:58:50.000Z {ID} Task timed out after 1.00 seconds",
        f"RequestId: {ID} Error: Runtime exited with error: exit status 1",
    ],
    ids=["error", "info", "timeout", "exit"],
)
def test_a_line_that_names_its_request_needs_none_before_it(text: str) -> None:
    assert Requests().of("a", text) == ID  # where --filter has left out the others


def test_lines_in_json_say_themselves_whose_they_are() -> None:
    requests = Requests()
    own = json.dumps({"level": "INFO", "message": "hi", "requestId": "one"})
    platform = json.dumps({"type": "platform.report", "record": {"requestId": "two", "status": "success"}})

    assert [requests.of("a", text) for text in (own, platform, "{no json", "[1]")] == ["one", "two", "", ""]


def test_what_is_printed_between_lines_in_json_is_of_that_request() -> None:
    requests = Requests()
    start = json.dumps({"type": "platform.start", "record": {"requestId": "one"}})
    report = json.dumps({"type": "platform.report", "record": {"requestId": "one", "status": "success"}})

    assert [requests.of("a", text) for text in (start, "printed", report, "later")] == [
        "one",
        "one",
        "one",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[ERROR] KeyError: 'x'", True),
        ("[ERROR]\t2026-11-27T00:00:00Z\tid\tcould not", True),
        ("[CRITICAL]\t2026-11-27T00:00:00Z\tid\tgone", True),
        ("2026-11-27T00:00:00.000Z 1111 Task timed out after 3.00 seconds", True),
        ("RequestId: 1111 Error: Runtime exited with error: exit status 1", True),
        ("hello [ERROR] in the middle", False),
        ("[WARNING] slow", False),
        ('{"level": "ERROR", "message": "x"}', True),
        ('{"level": "critical"}', True),
        ('{"level": "INFO", "message": "[ERROR] x"}', False),
        ('{"type": "platform.report", "record": {"status": "timeout"}}', True),
        ('{"type": "platform.report", "record": {"status": "success"}}', False),
        ('{"record": {"status": "failure"}}', False),
        ("{", False),
        ("", False),
    ],
)
def test_a_failure_is_told_by_lambdas_words_and_the_loggers(text: str, expected: bool) -> None:
    assert is_error(text) is expected
