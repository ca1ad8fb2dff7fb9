"""Where the public keys of an issuer come from: a JWKS that was given, or one in a file.

`issuer_keys.py` asks the issuer itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

Jwks = Mapping[str, Any]


class FindKeys(Protocol):
    """Knows the keys of issuers."""

    def __call__(self, issuer: str, kid: str | None = None, /) -> Jwks:
        """Give an issuer's JWKS; `KeysUnavailable` where there is none. `kid` is what is looked for in it."""
        ...


class KeysUnavailable(Exception):
    """There are no keys by which tokens of this issuer can be checked; the message tells why."""


def no_keys(issuer: str, _kid: str | None = None, /) -> Jwks:
    """Know no keys."""
    raise KeysUnavailable(f"no keys of {issuer} are known here")


def given_keys(keys: Jwks | Mapping[str, Jwks]) -> FindKeys:
    """Find keys in one JWKS, which is every issuer's, or in a mapping of issuers to theirs."""

    def find(issuer: str, _kid: str | None = None, /) -> Jwks:
        if "keys" in keys:
            return keys
        found = keys.get(issuer) or keys.get(issuer.rstrip("/"))
        if found is None:
            raise KeysUnavailable(f"no keys of {issuer} were given, but of {', '.join(keys) or 'nobody'}")
        return found

    return find


def keys_of_file(path: Path) -> FindKeys:
    """Find keys in a file of JSON, which is read when it is needed and may have either form."""

    def find(issuer: str, _kid: str | None = None, /) -> Jwks:
        try:
            keys = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as exc:
            raise KeysUnavailable(f"the keys in {path} cannot be read: {exc}") from exc
        if not isinstance(keys, dict):
            raise KeysUnavailable(f"{path} holds no object: a JWKS, or issuers with theirs")
        return given_keys(keys)(issuer)

    return find
