"""Bodies that come in pieces: read, joined, and closed whatever happens."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .response import Response


def is_stream(value: object) -> bool:
    """Is this meant as the pieces of a body?"""
    kind = type(value)
    if hasattr(kind, "__aiter__"):
        return True
    # A set has no order, and a mapping gives its keys only: neither is meant as chunks of a body.
    return hasattr(kind, "__iter__") and not isinstance(value, (set, frozenset)) and not hasattr(kind, "keys")


def chunks(response: Response) -> Iterator[bytes]:
    """The pieces of the body as bytes; the iterable is closed at the end, at an error and when left early."""
    body = response.body
    if not hasattr(type(body), "__iter__") or isinstance(body, (set, frozenset)):
        from .refused import no_body

        raise no_body(body)
    try:
        for chunk in body:
            yield _encoded(chunk)
    finally:
        close_iterable(response)


def joined(response: Response) -> bytes:
    """The whole body, which takes the iterable's place."""
    response.body = body = b"".join(chunks(response))
    return body


def close_iterable(response: Response) -> None:
    """Let the iterable clean up, once."""
    body = response.body
    close: Callable[[], Any] | None = getattr(body, "close", None)
    if close is not None and response.is_streamed:
        response.body = ()
        close()


def _encoded(chunk: object) -> bytes:
    if type(chunk) is bytes:
        return chunk
    if isinstance(chunk, str):
        try:
            return chunk.encode()
        except UnicodeEncodeError as exc:
            from .refused import no_text

            raise no_text(exc) from exc
    if isinstance(chunk, (bytes, bytearray, memoryview)):
        return bytes(chunk)
    from .refused import no_chunk

    raise no_chunk(chunk)


def run_all(functions: list[Callable[[], object]]) -> None:
    """Call them in order; each has its turn, whatever the ones before it raise."""
    if functions:
        try:
            functions[0]()
        finally:
            run_all(functions[1:])
