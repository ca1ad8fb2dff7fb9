"""The trace ids that Lambda puts into `_X_AMZN_TRACE_ID`.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from __future__ import annotations

import re

from microlambda.emulator.gateway.api import new_trace_id

# Inside a text, such as a body, the quotes are escaped and do not match.
_HEADER = re.compile(rb'"x-amzn-trace-id":\s*\[?\s*"(Root=[\w=;:.-]+)"', re.IGNORECASE)
_HEAD = 64 * 1024  # bytes of an event, within which its headers begin


def trace_id_of(event: bytes) -> str:
    """Give the trace id of the request that an event tells of, or a new one."""
    found = _HEADER.search(event, 0, _HEAD)
    return found[1].decode("ascii") if found else new_trace_id()
