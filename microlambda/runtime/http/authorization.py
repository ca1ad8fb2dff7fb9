"""The Authorization header (RFC 9110, 11.6.2): Basic (RFC 7617) taken apart, other schemes as a token."""

from __future__ import annotations

import binascii


class Authorization:
    """What the caller offers: `type` in lower case, and `username` and `password`, or `token`."""

    __slots__ = ("password", "token", "type", "username")

    def __init__(
        self, type: str, *, username: str | None = None, password: str | None = None, token: str | None = None
    ) -> None:
        self.type = type
        self.username = username
        self.password = password
        self.token = token

    @classmethod
    def from_header(cls, value: str | None) -> Authorization | None:
        """None for no header and for a Basic one that is not base64 of `user:password`."""
        scheme, _, rest = (value or "").strip().partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "basic":
            return cls(scheme.lower(), token=rest.strip())
        try:
            decoded = binascii.a2b_base64(rest.strip().encode(), strict_mode=True).decode()
        except ValueError:
            return None
        username, colon, password = decoded.partition(":")
        return cls("basic", username=username, password=password) if colon else None

    def __repr__(self) -> str:
        return f"<Authorization {self.type}>"  # never the secret
