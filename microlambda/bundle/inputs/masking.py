"""Credentials in URLs, hidden before anything is shown."""

from __future__ import annotations

import re

_USERINFO = re.compile(r"([a-z][a-z0-9+.-]*://)[^/\s'\"`<>]*@", re.IGNORECASE)


def mask(text: str) -> str:
    """Hide the user and the password of every URL in `text`."""
    return _USERINFO.sub(r"\1****@", text)
