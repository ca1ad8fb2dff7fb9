"""Who lets callers in: the gateway's decisions, for one test client and as long as that lives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.access import Access
from microlambda.emulator.gateway.access.cache import AuthorizerCache
from microlambda.emulator.gateway.access.jwks import KeysUnavailable, given_keys, keys_of_file
from microlambda.emulator.gateway.protection import Protection
from microlambda.emulator.invocation import Invocation
from microlambda.emulator.runtime_client import error_document
from microlambda.plan.asked import asked_of_callers
from microlambda.runtime.context import propagating_errors, streaming_answers
from microlambda.testing.known_user import Anybody, KnownUser
from microlambda.testing.lambda_context import make_context
from microlambda.testing.signing import find_test_principal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda import App
    from microlambda.emulator.gateway.access.functions import Ask
    from microlambda.emulator.gateway.access.jwks import FindKeys, Jwks
    from microlambda.emulator.gateway.decisions import Decider
    from microlambda.emulator.gateway.guards import Authorizer

    Keys = Mapping[str, Any] | str | Path

#: The message with which a function has its caller answered 401.
_UNAUTHORIZED = "Unauthorized"


class Gatekeeper:
    """Runs the app's authorizers in this process, and checks tokens and signatures.

    `keys` are what tokens are checked by: a JWKS, a mapping of issuers to theirs, or the path of a file with
    either. `user` are the claims of one who is let in everywhere.
    """

    def __init__(
        self,
        app: App,
        *,
        keys: Keys | None,
        raise_errors: bool,
        user: Mapping[str, Any] | None = None,
        admits_all: bool = False,
    ) -> None:
        self._app = app
        self._raise_errors = raise_errors
        self._user = user
        self._admits_all = admits_all
        self._find_keys = _finder(keys)
        self._cache = AuthorizerCache()
        self._protections: dict[tuple[str, int], Protection] = {}

    def protection(self, ingress: str) -> Protection:
        """What the app's API asks at that ingress, with the rules that it has now."""
        key = (ingress, len(self._app.route_table))
        if key not in self._protections:
            self._protections[key] = Protection.from_document(asked_of_callers(self._app, ingress))
        return self._protections[key]

    def decider(self, authorizers: Mapping[str, Authorizer]) -> Decider:
        """Who decides for an API with these authorizers."""
        if self._admits_all:
            return Anybody()
        if self._user is not None:
            return KnownUser(self._user, authorizers)
        return Access(
            authorizers=authorizers,
            ask=in_process(self._app, raise_errors=self._raise_errors),
            find_keys=self._find_keys,
            find_principal=find_test_principal,
            cache=self._cache,
        )


def in_process(app: App, *, raise_errors: bool) -> Ask:
    """Call handlers of the app as their own functions; errors that API Gateway does not read are raised."""

    def ask(name: str, payload: bytes) -> Invocation:
        context = make_context(app.name, name)
        try:
            with streaming_answers(False):
                value = _called(app, name, json.loads(payload), context, raise_errors)
        except Exception as exc:
            if raise_errors and str(exc) != _UNAUTHORIZED:
                raise
            document = json.dumps(error_document(exc, context.aws_request_id)).encode()
            return Invocation(request_id=context.aws_request_id, payload=document, function_error="Unhandled")
        return Invocation(request_id=context.aws_request_id, payload=json.dumps(value).encode())

    return ask


def _called(app: App, name: str, event: Any, context: Any, raise_errors: bool) -> Any:
    handler = app.handler(name)
    if not raise_errors:
        return handler(event, context)
    with propagating_errors():
        return handler(event, context)


def _finder(keys: Keys | None) -> FindKeys:
    if keys is None:
        return _no_keys
    if isinstance(keys, str | Path):
        return keys_of_file(Path(keys))
    return given_keys(keys)


def _no_keys(issuer: str, _kid: str | None = None, /) -> Jwks:
    raise KeysUnavailable(
        f"the test client has no keys of {issuer}. app.test_client(jwks=...) gives it some, and "
        "client.as_user(claims) needs none"
    )
