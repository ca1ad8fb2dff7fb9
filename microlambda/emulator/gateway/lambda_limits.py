"""The limits of a front that has none of its own but Lambda's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.emulator.gateway.unguarded import Unguarded
from microlambda.emulator.invocation import MAX_PAYLOAD, MAX_RESULT

if TYPE_CHECKING:
    from microlambda.emulator.gateway.api import Call
    from microlambda.emulator.messages import HttpRequest


class LambdaLimits(Unguarded):
    """6 MB each way, no time beside the function's own; of headers none is documented."""

    default_stage = "$default"
    max_body = MAX_PAYLOAD
    max_headers = 6 * 10_240
    max_result = MAX_RESULT
    integration_timeout: float | None = None

    def header_size(self, request: HttpRequest) -> int:
        """What counts towards `max_headers`."""
        return sum(len(name) + len(value) for name, value in request.headers)

    def accepts(self, call: Call) -> bool:
        """Whether the front lets this well-formed request through."""
        return bool(call.target.raw_path)
