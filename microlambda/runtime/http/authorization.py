"""The Authorization header (RFC 9110, 11.6.2): Basic (RFC 7617) and parameters taken apart, else a token."""

from __future__ import annotations

import binascii


class Authorization:
    """What the caller offers: `type` in lower case, and either `token` or `parameters`.

    A parameter is an attribute too: `username` and `password` of Basic, `realm`, `nonce` and the others
    of Digest. One that is not there is None.
    """

    def __init__(
        self, type: str, parameters: dict[str, str | None] | None = None, token: str | None = None
    ) -> None:
        self.type = type
        self.parameters = parameters or {}
        self.token = token

    @classmethod
    def from_header(cls, value: str | None) -> Authorization | None:
        """None for no header, and for a Basic one that is not base64 of text."""
        if not value:
            return None
        scheme, _, rest = value.partition(" ")
        scheme, rest = scheme.lower(), rest.strip(" \t")
        if scheme == "basic":
            return cls._basic(rest)
        if "=" in rest.rstrip("="):  # at its end, = is the padding of a token
            from .header_parsing import parse_pairs

            return cls(scheme, parse_pairs(rest))
        return cls(scheme, token=rest)

    @classmethod
    def _basic(cls, encoded: str) -> Authorization | None:
        try:
            decoded = binascii.a2b_base64(encoded.encode(), strict_mode=True).decode()
        except ValueError:
            return None
        username, _, password = decoded.partition(":")
        return cls("basic", {"username": username, "password": password})

    def get(self, name: str, default: str | None = None) -> str | None:
        """The parameter, or `default`."""
        return self.parameters.get(name, default)

    def __getattr__(self, name: str) -> str | None:
        if name.startswith("__"):  # copy and pickle ask for these
            raise AttributeError(name)
        return self.parameters.get(name)

    def __getitem__(self, name: str) -> str | None:
        return self.parameters.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self.parameters

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Authorization):
            return NotImplemented
        return (self.type, self.parameters, self.token) == (other.type, other.parameters, other.token)

    __hash__ = None  # type: ignore[assignment]  # its parameters can change

    def __repr__(self) -> str:
        return f"<Authorization {self.type}>"  # never the secret
