"""Public keys from their issuer, as OpenID Connect publishes them.

https://openid.net/specs/openid-connect-discovery-1_0.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-jwt-authorizer-keys.html (new keys)
"""

from __future__ import annotations

import json
import ssl
import threading
from functools import cached_property
from http.client import HTTPException
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


class _Kept:
    """What an issuer has given, and when it was asked; `why` says what went wrong the last time."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.why = ""
        self._keys: Jwks = {}
        self._fetched = self._asked = float("-inf")

    def current(self, keep: float) -> Jwks | None:
        """The keys, None where there are none that are younger than `keep` seconds."""
        return self._keys if 0 <= clock.now() - self._fetched < keep else None

    def is_missed(self, kid: str | None, keep: float) -> bool:
        """Whether the key of that id, or any, is not among them."""
        current = self.current(keep)
        return current is None or (kid is not None and kid not in _ids(current))

    def was_asked(self, within: float) -> bool:
        """Whether the issuer has been asked in the last seconds, whatever came of it."""
        return 0 <= clock.now() - self._asked < within

    def take(self, keys: Jwks) -> None:
        """Keep what the issuer has given."""
        self._keys = keys
        self._fetched = self._asked = clock.now()

    def fail(self, why: str) -> None:
        """Remember that it has given nothing."""
        self._asked = clock.now()
        self.why = why


def _ids(keys: Jwks) -> list[Any]:
    listed = keys.get("keys")
    return [one.get("kid") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


class IssuerKeys:
    """Fetches keys from their issuers, over HTTPS, and keeps them for `keep` seconds.

    A key that is not among them may be new: then the issuer is asked before that, but not within `again`
    seconds, so that tokens with made-up keys do not flood it. Nor is one that cannot be reached.
    `timeout` is that of one request, in seconds. `context` knows the certificates that are trusted.
    """

    def __init__(
        self,
        *,
        timeout: float = 5.0,
        keep: float = 300.0,
        again: float = 10.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout = timeout
        self._keep = keep
        self._again = again
        self._context = context
        self._kept: dict[str, _Kept] = {}
        self._guard = threading.Lock()

    def __call__(self, issuer: str, kid: str | None = None, /) -> Jwks:
        """Give the issuer's JWKS, a new one if the key of that id is not in the one that is kept."""
        with self._guard:
            kept = self._kept.setdefault(issuer, _Kept())
        with kept.guard:  # who waits for one issuer has what the first has fetched, and others do not wait
            if kept.is_missed(kid, self._keep) and not kept.was_asked(self._again):
                self._ask(issuer, kept)
            current = kept.current(self._keep)
        if current is None:
            raise KeysUnavailable(kept.why)
        return current

    def _ask(self, issuer: str, kept: _Kept) -> None:
        try:
            kept.take(self._fetched(self._place(issuer)))
        except KeysUnavailable as exc:
            kept.fail(str(exc))

    def _place(self, issuer: str) -> str:
        place = self._fetched(f"{issuer.rstrip('/')}{_DISCOVERY}").get("jwks_uri")
        if not isinstance(place, str):
            raise KeysUnavailable(f"{issuer}{_DISCOVERY} names no jwks_uri")
        return place

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
        except (OSError, HTTPException, ValueError, RecursionError) as exc:  # URLError is an OSError
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
