"""Public keys from their issuer, as OpenID Connect publishes them.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""

from __future__ import annotations

import json
import ssl
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from microlambda.emulator.gateway.access import clock
from microlambda.emulator.gateway.access.jwks import KeysUnavailable

if TYPE_CHECKING:
    from microlambda.emulator.gateway.access.jwks import Jwks

_DISCOVERY = "/.well-known/openid-configuration"
#: A document with more is none of these, in bytes.
_LARGEST = 1 << 20


class IssuerKeys:
    """Fetches keys from their issuers, over HTTPS, and keeps them for `keep` seconds.

    `timeout` is that of one request, in seconds. `context` knows the certificates that are trusted.
    """

    def __init__(
        self, *, timeout: float = 5.0, keep: float = 300.0, context: ssl.SSLContext | None = None
    ) -> None:
        self._timeout = timeout
        self._keep = keep
        self._context = context
        self._kept: dict[str, tuple[float, Jwks]] = {}
        self._guard = threading.Lock()

    def __call__(self, issuer: str) -> Jwks:
        """Give the issuer's JWKS."""
        with self._guard:
            until, keys = self._kept.get(issuer, (0.0, {}))
            if clock.now() < until:
                return keys
            place = self._fetched(f"{issuer.rstrip('/')}{_DISCOVERY}").get("jwks_uri")
            if not isinstance(place, str):
                raise KeysUnavailable(f"{issuer}{_DISCOVERY} names no jwks_uri")
            keys = self._fetched(place)
            self._kept[issuer] = (clock.now() + self._keep, keys)
            return keys

    @cached_property
    def _opener(self) -> OpenerDirector:
        """What opens URLs; reading the certificates takes a while, so the first token waits for it alone."""
        return _https_alone(self._context or ssl.create_default_context())

    def _fetched(self, url: str) -> dict[str, Any]:
        if not url.startswith("https://"):
            raise KeysUnavailable(f"{url} is no https URL")
        request = Request(url, headers={"Accept": "application/json"})  # noqa: S310 - https, as was checked
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                document = json.loads(answer.read(_LARGEST))
        except (URLError, OSError, ValueError) as exc:
            raise KeysUnavailable(f"{url} gives no keys: {exc}") from exc
        if not isinstance(document, dict):
            raise KeysUnavailable(f"{url} gives no keys: it holds no object")
        return document


class _OnlyToHttps(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **named: Any) -> Request | None:
        request = super().redirect_request(*args, **named)
        if request is not None and request.type != "https":
            raise URLError("it leads away from https")
        return request


def _https_alone(context: ssl.SSLContext) -> OpenerDirector:
    return build_opener(HTTPSHandler(context=context), _OnlyToHttps())
