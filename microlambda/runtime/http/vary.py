"""Vary: the request's headers that an answer depends on (RFC 9110, 12.5.5)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .headers import Headers


def add_vary(headers: Headers, *names: str) -> None:
    """Add the names that are not there yet, in whatever case; `*` covers every name."""
    present = [one.strip() for value in headers.getlist("vary") for one in value.split(",") if one.strip()]
    lower = {one.lower() for one in present}
    missing = [name for name in names if name.lower() not in lower]
    if missing and "*" not in lower:
        headers.set("Vary", ", ".join([*present, *missing]))
