"""Who may call what is the developer's own: programs on this machine, and no web page.

A page in the developer's browser may neither read local secrets (Origin) nor ask for anything blindly, as an
<img> does (Sec-Fetch-Site), nor under a name that leads to this machine (Host, DNS rebinding).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOOPBACK_HOST = re.compile(r"(?:127\.0\.0\.1|\[::1\]|(?:[a-z0-9.-]+\.)?localhost)(?::\d+)?", re.IGNORECASE)


def refusal(environ: Mapping[str, Any], what: str) -> str | None:
    """Say why `what` does not answer this request; None where it may."""
    host = environ.get("HTTP_HOST", "")
    if not _LOOPBACK_HOST.fullmatch(host):
        return f"{what} answers to this machine's own names, and {host!r} is none of them"
    # "none" is what the developer typed, "same-origin" what that leads to; other clients send no such field.
    if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
        return f"{what} takes no requests from web pages"
    return None
