"""What Lambda answers of an invocation, in its own words where the function gave none."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

from microlambda.emulator.invocation import MAX_RESULT

if TYPE_CHECKING:
    from microlambda.emulator.runtime_api import Outcome

UNHANDLED = "Unhandled"  # the only X-Amz-Function-Error there is nowadays


def told(
    request_id: str, outcome: Outcome | None, timeout: float, exit_code: int | None
) -> tuple[bytes, str | None]:
    """The payload that Lambda answers, and its X-Amz-Function-Error; no outcome is a timeout."""
    if outcome is None:
        message = f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
        return error_document("Sandbox.Timedout", message), UNHANDLED
    if outcome.kind == "gone":
        message = f"RequestId: {request_id} Error: {_exit_reason(exit_code)}"
        return error_document("Runtime.ExitError", message), UNHANDLED
    if outcome.kind != "result":
        return outcome.payload, UNHANDLED
    if len(outcome.payload) > MAX_RESULT:
        message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESULT} bytes)."
        return error_document("Function.ResponseSizeTooLarge", message), UNHANDLED
    return outcome.payload, None


def error_document(error_type: str, message: str) -> bytes:
    """The error document of an error that is Lambda's, not the function's."""
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


def _exit_reason(code: int | None) -> str:
    if not code:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    name = (signal.strsignal(-code) or str(-code)).lower()
    return f"Runtime exited with error: signal: {name}"
