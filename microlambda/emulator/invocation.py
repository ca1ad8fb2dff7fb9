"""The outcome of one invocation of a function, as the Lambda service tells it to whoever asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from microlambda.emulator.result_stream import ResultStream
    from microlambda.emulator.runtime_api import Outcome

# Lambda's quota "Invocation payload (request and response)", synchronous: 6 MB each way. The exact numbers
# are those of its error messages: requests "must be smaller than 6291456 bytes", and for responses
# Function.ResponseSizeTooLarge, "Response payload size exceeded maximum allowed payload size (6291556
# bytes)."
MAX_PAYLOAD = 6_291_456
MAX_RESULT = 6_291_556


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What came of one invocation.

    `payload` is the result's JSON, or the error document's where `function_error` is set; `duration` is in
    milliseconds; `log` is what the function printed meanwhile, where that is captured; `log_stream` names the
    environment that ran it; `init_duration` (ms) is there where this invocation had to wait for a cold start;
    `max_memory` is the most that the process has used so far, in MB, where the machine tells.
    """

    request_id: str
    payload: bytes
    function_error: str | None = None
    timed_out: bool = False
    duration: float = 0.0
    log: bytes = b""
    log_stream: str = ""
    init_duration: float | None = None
    max_memory: int | None = None


class StreamBroken(ConnectionError):
    """The function failed in the middle of its answer: what has been sent of it is all there is."""


class StreamedBody:
    """The body of an answer while the function makes it: pieces to iterate, then to close.

    `StreamBroken` ends the iteration where the function does not come to its end. Closing before the end
    makes the function break off, and waits for that: only then is its environment free. For one thread.
    """

    def __init__(self, stream: ResultStream, finish: Callable[[Outcome | None], Invocation]) -> None:
        self._stream = stream
        self._finish = finish
        self._over: Invocation | None = None
        self._callbacks: list[Callable[[Invocation], None]] = []

    def when_over(self, callback: Callable[[Invocation], None]) -> None:
        """Call back, once, with what came of the invocation."""
        if self._over is not None:
            callback(self._over)
        else:
            self._callbacks.append(callback)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        piece = self._stream.take() if self._over is None else None
        if piece is not None:
            return piece
        invocation = self._ended()
        if invocation.function_error is not None:
            raise StreamBroken(invocation.payload.decode(errors="replace"))
        raise StopIteration

    def close(self) -> None:
        """End it; more calls do nothing."""
        self._stream.abandon()
        self._ended()

    def _ended(self) -> Invocation:
        if self._over is None:
            self._over = self._finish(self._stream.outcome())
            for callback in self._callbacks:
                callback(self._over)
        return self._over


@dataclass(frozen=True, kw_only=True)
class StreamedInvocation(Invocation):
    """An invocation that goes on: `payload` is the JSON of an answer without its body, which follows.

    Whoever has it closes the body.
    """

    body: StreamedBody


def when_over(invocation: Invocation, callback: Callable[[Invocation], None]) -> None:
    """Call back with what came of an invocation: now, or at the end of its body."""
    if isinstance(invocation, StreamedInvocation):
        invocation.body.when_over(callback)
    else:
        callback(invocation)


def failed_records(result: bytes) -> list[str]:
    """The identifiers in the `batchItemFailures` of an answer, as text.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    if b"batchItemFailures" not in result:
        return []
    try:
        answer: Any = json.loads(result)
    except ValueError:
        return []
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not isinstance(failures, list):
        return []
    return [str(one.get("itemIdentifier") if isinstance(one, dict) else one) for one in failures]
