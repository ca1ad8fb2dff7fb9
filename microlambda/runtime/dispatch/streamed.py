"""Answers in pieces: what a generator yields, handed on as it comes where the caller can do that."""

from __future__ import annotations

from contextvars import copy_context

from .failures import log_failure
from .scope import end_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..context import RequestContext
    from ..http.request import Request
    from ..http.response import Response


class StreamedResult(dict[str, "Any"]):
    """A result without a body: its members are those of the ingress, and `chunks` is the body.

    `chunks` must be closed: with it the request ends, and its clean-up runs.
    """

    chunks: Iterator[bytes]


class Chunks:
    """The pieces of a body, read inside the context of the request that they answer.

    `has_logged` says that a piece raised, and that the app's log has it.
    """

    def __init__(self, scope: RequestContext, request: Request, response: Response) -> None:
        self._scope = scope
        self._request = request
        self._response = response
        self._pieces = response.iter_body()
        try:
            # The head leaves with the first piece: an error before it is answered like any other.
            self._first: list[bytes] = [next(self._pieces, b"")]
        except BaseException:
            response.close()
            raise
        self._context = copy_context()
        self._is_open = True
        self.has_logged = False

    def __iter__(self) -> Chunks:
        return self

    def __next__(self) -> bytes:
        if self._first:
            return self._first.pop()
        try:
            return self._context.run(next, self._pieces)
        except StopIteration:
            raise
        except BaseException as exc:
            self._scope.error = exc
            self.has_logged = True
            self._context.run(log_failure, self._scope.app, self._request, exc)
            raise

    def close(self) -> None:
        """End the answer and the request, once."""
        if self._is_open:
            self._is_open = False
            self._context.run(self._end)

    def _end(self) -> None:
        try:
            self._response.close()
        finally:
            self._scope.is_streaming = False
            end_request(self._scope)


def prepared(response: Response, is_head: bool = False) -> None:
    """Let an asynchronous body be read like any other, and one that nobody gets (HEAD) not at all."""
    if hasattr(response.body, "__aiter__"):
        from ..aio.threads import iterate

        response.body = iterate(response.body)
    if is_head and response.is_streamed:
        response.close()
        response.body = b""


def streamed_result(scope: RequestContext, request: Request, response: Response) -> StreamedResult:
    """The result of an answer whose pieces the caller reads; the request goes on until they are closed."""
    chunks = Chunks(scope, request, response)
    ingress = request._ingress
    try:
        result = StreamedResult(ingress.to_result(response, response.started_body(), is_head=False))
    except BaseException:
        response.close()
        raise
    result.pop("body", None)
    result.pop("isBase64Encoded", None)
    result.chunks = chunks
    scope.is_streaming = True
    return result
