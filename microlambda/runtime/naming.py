"""How functions are called on AWS, for the deployer that makes them and the tasks that call them: one rule.

Each character outside `[A-Za-z0-9_-]` becomes `-`. Where one was replaced, or the limit is passed, the name
is cut and ends in 8 hex digits of the full name's hash, so that two different names stay different.
"""

from __future__ import annotations

import re

NAME_LIMIT = 64  # function, role, rule, schedule
DIGITS = 8

#: The alias that every caller of a function names.
LIVE = "live"

OTHER = re.compile(r"[^A-Za-z0-9_-]")


def aws_name(full: str, limit: int = NAME_LIMIT) -> str:
    """`full` as a name that AWS accepts, of at most `limit` characters."""
    safe = OTHER.sub("-", full)
    if safe == full and len(full) <= limit:
        return full
    from hashlib import sha256

    digest = sha256(full.encode()).hexdigest()[:DIGITS]
    return f"{safe[: limit - DIGITS - 1]}-{digest}"


def function_name(service: str, handler: str) -> str:
    """The name of a handler's function; `service` is "{app}-{stage}"."""
    return aws_name(f"{service}-{handler}")
