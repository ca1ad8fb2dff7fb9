"""Functions that decide: what they are asked, what they answer, and what that comes to.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.access.policies import MalformedPolicy, Policy, Verdict
from microlambda.emulator.gateway.access.sources import values_of
from microlambda.emulator.gateway.decisions import FunctionIdentity, Refused
from microlambda.emulator.gateway.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from microlambda.emulator.gateway.access.cache import AuthorizerCache
    from microlambda.emulator.gateway.decisions import Question
    from microlambda.emulator.gateway.guards import Authorizer
    from microlambda.emulator.invocation import Invocation

    #: Calls the function of that name with an event's JSON.
    Ask = Callable[[str, bytes], Invocation]

_ACTION = "execute-api:Invoke"

#: APIs whose functions get payload 2.0.
_HTTP_APIS = ("http-api", "http-api-1.0")

#: What a function fails with so that the caller is answered 401: this very message.
UNAUTHORIZED = "Unauthorized"


class _Malformed(ValueError):
    """The function's answer is none; the message tells why."""


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What a function has said: a policy, or yes or no, and who the caller is."""

    identity: FunctionIdentity
    policy: Policy | None = None
    is_authorized: bool = False

    def judged(self, authorizer: Authorizer, arn: str) -> FunctionIdentity | Refused:
        """Let the caller have what the ARN names, or not."""
        if self.policy is None:
            if self.is_authorized:
                return self.identity
            return _refused(authorizer, Failure.NOT_PERMITTED, "answered isAuthorized: false")
        verdict = self.policy.verdict(_ACTION, arn)
        if verdict is Verdict.ALLOWED:
            return self.identity
        failure = Failure.DENIED if verdict is Verdict.DENIED else Failure.NOT_PERMITTED
        why = f"has answered a policy in which {verdict.value}: {_ACTION} on {arn}{self._but()}"
        return _refused(authorizer, failure, why)

    def _but(self) -> str:
        has_conditions = self.policy is not None and self.policy.has_conditions
        return "; a Condition is not evaluated here, and lets nobody in" if has_conditions else ""


def decide(
    authorizer: Authorizer, question: Question, ask: Ask, cache: AuthorizerCache
) -> FunctionIdentity | Refused:
    """Ask the authorizer's function, unless what it said of a caller with these identity sources is kept."""
    sources = authorizer.identity_sources
    values = tuple(values_of(source, question) for source in sources)
    missing = [source for source, found in zip(sources, values, strict=True) if not found]
    if missing:
        return _refused(authorizer, Failure.UNAUTHORIZED, f"is not asked: the request has no {missing[0]}")
    if authorizer.type == "TOKEN" and not values:
        return _refused(authorizer, Failure.AUTHORIZER_FAILED, "has no identity source, and needs one")
    if authorizer.function is None:
        why = f"is somebody else's function, {authorizer.uri}, which nothing here can ask"
        return _refused(authorizer, Failure.UNAUTHORIZED, why)
    api = question.api
    key = (api.api_id, api.stage, authorizer.name, values)
    is_kept = bool(authorizer.ttl and sources)
    answer = cache.get(key) if is_kept else None
    if answer is None:
        answer = _asked(authorizer, authorizer.function, question, values, ask)
        if isinstance(answer, Refused):
            return answer
        if is_kept:
            cache.put(key, answer, authorizer.ttl)
    judged: FunctionIdentity | Refused = answer.judged(authorizer, question.arn)
    return judged


def _asked(
    authorizer: Authorizer, function: str, question: Question, values: tuple[tuple[str, ...], ...], ask: Ask
) -> _Answer | Refused:
    invocation = ask(function, json.dumps(_event(authorizer, question, values)).encode())
    if invocation.function_error is not None or invocation.timed_out:
        return _failed(authorizer, invocation)
    try:
        return _read(authorizer, question, invocation)
    except (_Malformed, MalformedPolicy) as exc:
        return _refused(authorizer, Failure.AUTHORIZER_FAILED, f"answered what is none: {exc}")


def _failed(authorizer: Authorizer, invocation: Invocation) -> Refused:
    try:
        error = json.loads(invocation.payload)
    except (ValueError, RecursionError):
        error = None
    if isinstance(error, dict) and error.get("errorMessage") == UNAUTHORIZED:
        return _refused(
            authorizer, Failure.UNAUTHORIZED, f"raised an error with the message {UNAUTHORIZED!r}"
        )
    kind = error.get("errorType") if isinstance(error, dict) else None
    why = "ran out of its time" if invocation.timed_out else f"failed: {kind or 'see its log'}"
    return _refused(authorizer, Failure.AUTHORIZER_FAILED, why)


def _refused(authorizer: Authorizer, failure: Failure, why: str) -> Refused:
    return Refused(failure=failure, reason=f"{authorizer.name} {why}")


# The question -----------------------------------------------------------------------------------------


def _event(authorizer: Authorizer, question: Question, values: tuple[tuple[str, ...], ...]) -> dict[str, Any]:
    if authorizer.type == "TOKEN":
        return {"type": "TOKEN", "methodArn": question.arn, "authorizationToken": values[0][-1]}
    asked = {
        name: value
        for name, value in question.make_event().items()
        if name not in ("body", "isBase64Encoded", "version")
    }
    if question.ingress not in _HTTP_APIS:
        # Where a view's event has null, the documents have an empty object.
        members = {name: {} if value is None else value for name, value in asked.items()}
        return {"type": "REQUEST", "methodArn": question.arn, **members}
    said = {"identitySource": [",".join(found) for found in values] or None}
    return {"version": "2.0", "type": "REQUEST", "routeArn": question.arn, **said, **asked}


# The answer -------------------------------------------------------------------------------------------


def _read(authorizer: Authorizer, question: Question, invocation: Invocation) -> _Answer:
    try:
        answer = json.loads(invocation.payload)
    except (ValueError, RecursionError) as exc:
        raise _Malformed("it is not JSON") from exc
    if not isinstance(answer, dict):
        raise _Malformed(f"it is {type(answer).__name__}, not an object")
    is_http = question.ingress in _HTTP_APIS
    identity = FunctionIdentity(
        principal=_principal(answer, is_needed=not is_http),
        context=_context(answer, is_flat=not is_http),
        latency=int(invocation.duration),
    )
    if not authorizer.is_simple:
        return _Answer(identity=identity, policy=Policy.parse(answer.get("policyDocument")))
    is_authorized = answer.get("isAuthorized")
    if not isinstance(is_authorized, bool):
        raise _Malformed("isAuthorized is neither true nor false, and simple answers are switched on")
    return _Answer(identity=identity, is_authorized=is_authorized)


def _principal(answer: dict[str, Any], *, is_needed: bool) -> str | None:
    principal = answer.get("principalId")
    if isinstance(principal, str) and principal:
        return principal
    if is_needed:
        raise _Malformed("principalId is no text that says who the caller is")
    return None


def _context(answer: dict[str, Any], *, is_flat: bool) -> dict[str, Any] | None:
    context = answer.get("context")
    if context is None:
        return None
    if not isinstance(context, dict):
        raise _Malformed(f"context is {type(context).__name__}, not an object")
    nested = [name for name, value in context.items() if isinstance(value, dict | list)]
    if is_flat and nested:
        raise _Malformed(f"the context's {nested[0]!r} is an object or a list; write it as text")
    return context
