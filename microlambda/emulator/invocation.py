"""The outcome of one invocation of a function, as the Lambda service tells it to whoever asked."""

from __future__ import annotations

from dataclasses import dataclass

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
