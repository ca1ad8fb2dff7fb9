"""Answers in pieces: what the caller of the app gets where it can pass them on, and when the request ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from microlambda import App, Response, g, request
from microlambda.runtime.context import streaming_answers

Load = Callable[[str], dict[str, Any]]


@pytest.fixture
def trace(app: App) -> list[str]:
    trace: list[str] = []
    app.teardown_request(lambda error: trace.append(f"teardown {error!r}"))

    @app.get("/hello")
    def view() -> tuple[Iterator[str], int, dict[str, Any]]:
        def pieces() -> Iterator[str]:
            try:
                for number in range(3):
                    trace.append(f"piece {number}")
                    yield f"{request.path} {g.get('kept')} {number}\n"
            finally:
                trace.append("closed")

        g.kept = "kept"
        return pieces(), 201, {"Set-Cookie": ["a=1", "b=2"], "X-A": "1"}

    return trace


@pytest.mark.parametrize("ingress", ["function-url", "rest-api"])
def test_a_stream_is_read_inside_its_request_and_ends_it(
    app: App, trace: list[str], load_event: Load, lambda_context: Any, ingress: str
) -> None:
    with streaming_answers():
        result = app(load_event(ingress), lambda_context)

    assert (result["statusCode"], "body" in result) == (201, False)
    assert trace == ["piece 0"]  # the head leaves with the first piece
    chunks = [next(result.chunks), next(result.chunks)]
    assert chunks == [b"/hello kept 0\n", b"/hello kept 1\n"]
    result.chunks.close()
    result.chunks.close()
    assert trace == ["piece 0", "piece 1", "closed", "teardown None"]


@pytest.mark.parametrize(
    ("ingress", "streaming"),
    [("http-api", True), ("alb", True), ("function-url", False), ("rest-api", False)],
)
def test_elsewhere_the_pieces_are_joined(
    app: App, trace: list[str], load_event: Load, lambda_context: Any, ingress: str, streaming: bool
) -> None:
    with streaming_answers(streaming):
        result = app(load_event(ingress), lambda_context)

    assert result["body"].count("kept") == 3
    assert trace[-2:] == ["closed", "teardown None"]


@pytest.mark.parametrize("ingress", ["http-api", "function-url"])
def test_head_makes_no_pieces_but_closes_them(
    app: App, trace: list[str], load_event: Load, lambda_context: Any, ingress: str
) -> None:
    event = load_event(ingress)
    event["requestContext"]["http"]["method"] = "HEAD"

    with streaming_answers():
        result = app(event, lambda_context)

    assert (result["statusCode"], result["body"]) == (201, "")
    assert result["headers"]["content-type"].startswith("text/html")
    assert trace == ["teardown None"]  # a generator that never started has nothing to clean up


def test_an_error_before_the_first_piece_is_answered_like_any_other(
    app: App, load_event: Load, lambda_context: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ended = []

    @app.get("/hello")
    def view() -> Response:
        response = Response(str(1 // 0) for _ in range(3))
        response.call_on_close(lambda: ended.append(True))
        return response

    with streaming_answers():
        result = app(load_event("function-url"), lambda_context)

    assert (result["statusCode"], ended) == (500, [True])
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_an_empty_stream_is_an_empty_answer(app: App, load_event: Load, lambda_context: Any) -> None:
    app.get("/hello")(lambda: iter(()))

    with streaming_answers():
        result = app(load_event("function-url"), lambda_context)

    assert b"".join(result.chunks) == b""


def test_an_error_half_way_reaches_the_reader_and_still_ends_the_request(
    app: App, load_event: Load, lambda_context: Any, caplog: pytest.LogCaptureFixture
) -> None:
    trace: list[str] = []
    app.teardown_request(lambda error: trace.append(f"teardown {error!r}"))

    @app.get("/hello")
    def view() -> Iterator[str]:
        try:
            yield "a"
            raise ValueError("half-way")
        finally:
            trace.append("closed")

    with streaming_answers():
        result = app(load_event("function-url"), lambda_context)
    assert next(result.chunks) == b"a"
    with pytest.raises(ValueError, match="half-way"):
        next(result.chunks)
    result.chunks.close()

    assert trace == ["closed", "teardown ValueError('half-way')"]
    record: Any
    (record,) = caplog.records
    assert record.aws_request_id == lambda_context.aws_request_id


def test_an_async_stream_is_read_piece_by_piece(app: App, load_event: Load, lambda_context: Any) -> None:
    @app.get("/hello")
    async def view() -> Any:
        yield "a"
        yield request.path

    with streaming_answers():
        result = app(load_event("function-url"), lambda_context)

    assert list(result.chunks) == [b"a", b"/hello"]
    result.chunks.close()


def test_a_client_inside_a_streaming_view_gets_whole_answers(
    app: App, load_event: Load, lambda_context: Any
) -> None:
    app.get("/inner")(lambda: iter(("a", "b")))
    app.get("/hello")(lambda: app.test_client(ingress="function-url").get("/inner").text)

    with streaming_answers():
        result = app(load_event("function-url"), lambda_context)

    assert result["body"] == "ab"
