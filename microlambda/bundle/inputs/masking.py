"""Credentials in URLs, hidden before anything is shown."""

from __future__ import annotations

import re

_USERINFO = re.compile(r"([a-z][a-z0-9+.-]*://)[^/\s'\"`<>]*@", re.IGNORECASE)
_QUERY = re.compile(r"([a-z][a-z0-9+.-]*://[^\s?#'\"`<>]*\?)[^\s#'\"`<>]+", re.IGNORECASE)


def mask(text: str) -> str:
    """Hide the user, the password and the query of every URL in `text`: tokens stand there, too."""
    return _QUERY.sub(r"\1****", _USERINFO.sub(r"\1****@", text))
