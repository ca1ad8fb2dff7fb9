"""What the events of the ingresses tell of a caller whom an authorizer has let in.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.decisions import FunctionIdentity, IamIdentity, TokenIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.emulator.gateway.decisions import Identity

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def payload_2(caller: Identity | None) -> dict[str, Any]:
    """The part of `requestContext` in payload 2.0: an object named for the kind of the authorizer.

    For a function that gave no context it is null: recorded in events of November 2023 that a project tests
    itself with.
    """
    if isinstance(caller, TokenIdentity):
        return {"authorizer": {"jwt": _jwt(caller)}}
    if isinstance(caller, IamIdentity):
        return {"authorizer": {"iam": _iam(caller)}}
    if isinstance(caller, FunctionIdentity):
        return {"authorizer": {"lambda": dict(caller.context) if caller.context else None}}
    return {}


def payload_1(caller: Identity | None) -> dict[str, Any]:
    """The same of a HTTP API in payload 1.0, flat; recorded with both members of a token as null."""
    if isinstance(caller, TokenIdentity):
        return {"authorizer": _jwt(caller)}
    if isinstance(caller, FunctionIdentity):
        return {"authorizer": {"claims": None, "scopes": None, **(caller.context or {})}}
    return {}


def rest(caller: Identity | None) -> dict[str, Any]:
    """The same of a REST or WebSocket API, where all that a function says becomes text."""
    if isinstance(caller, TokenIdentity):
        return {"authorizer": {"claims": _cognito_claims(caller.claims)}}
    if isinstance(caller, FunctionIdentity):
        context = {name: _text(value) for name, value in (caller.context or {}).items()}
        own = {"principalId": caller.principal, "integrationLatency": caller.latency}
        return {"authorizer": {**context, **own}}
    return {}


def identity_of(caller: Identity | None) -> dict[str, Any]:
    """What of `requestContext.identity` in payload 1.0 is known of a caller by IAM."""
    if not isinstance(caller, IamIdentity):
        return {}
    return {
        "accessKey": caller.access_key,
        "accountId": caller.account_id,
        "caller": caller.user_id,
        "user": caller.user_id,
        "userArn": caller.arn,
    }


def _iam(caller: IamIdentity) -> dict[str, Any]:
    return {
        "accessKey": caller.access_key,
        "accountId": caller.account_id,
        "callerId": caller.user_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.arn,
        "userId": caller.user_id,
    }


def _jwt(caller: TokenIdentity) -> dict[str, Any]:
    claims = {name: _in_go(value) for name, value in caller.claims.items()}
    return {"claims": claims, "scopes": None if caller.scopes is None else list(caller.scopes)}


def _in_go(value: Any) -> str:
    """A claim as HTTP APIs write it: recorded for text, numbers and lists, `[a b]`, as Go writes them."""
    if isinstance(value, list):
        return f"[{' '.join(map(_in_go, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{_in_go(value[name])}' for name in sorted(value))}]"
    return "<nil>" if value is None else str(_text(value))


def _cognito_claims(claims: Mapping[str, Any]) -> dict[str, str]:
    """Claims as REST APIs write them: recorded in repost.aws/questions/QUFJRBaEJRSmmqarNrvCWoQA.

    Dates are spelled out, but for `auth_time`; lists have commas.
    """
    return {
        name: _spelled(value) if name in ("exp", "iat") and isinstance(value, int | float) else _joined(value)
        for name, value in claims.items()
    }


def _spelled(moment: float) -> str:
    """A moment as Java writes it: `Tue Apr 04 18:39:39 UTC 2023`."""
    at = time.gmtime(moment)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]  # strftime's names follow the locale
    return time.strftime(f"{day} {month} %d %H:%M:%S UTC %Y", at)


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_joined, value))
    return json.dumps(value) if isinstance(value, dict) or value is None else str(_text(value))


def _text(value: Any) -> Any:
    """A number or a boolean as text; null stays what it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None else str(value)
