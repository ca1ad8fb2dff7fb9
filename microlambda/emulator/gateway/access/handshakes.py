"""The question whether a client may open a connection of a WebSocket API.

It is asked once, at the handshake; what an authorizer has said of the client is in all its events.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from microlambda.emulator.gateway.api import Api
from microlambda.emulator.gateway.caller_members import identity_of, rest
from microlambda.emulator.gateway.decisions import Question
from microlambda.emulator.gateway.guards import Authorizer, Guard
from microlambda.emulator.messages import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.emulator.gateway.decisions import Identity

WEBSOCKET = "websocket"


def guard_of_handshake(document: Mapping[str, Any]) -> tuple[Guard, dict[str, Authorizer]]:
    """Read the guard of `$connect`, and its authorizer by name where it has one, as JSON has them."""
    authorizer = document.get("authorizer")
    made = [] if authorizer is None else [Authorizer.from_document(authorizer)]
    return Guard.from_document(document["guard"]), {one.name: one for one in made}


def handshake_question(event: dict[str, Any], *, region: str, account_id: str) -> Question:
    """Ask about the client of a CONNECT event."""
    context = event["requestContext"]
    api = Api(api_id=context["apiId"], account_id=account_id, region=region, stage=context["stage"])
    query = _pairs(event.get("multiValueQueryStringParameters"))
    asked = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    target = f"/{api.stage}?{asked}" if asked else f"/{api.stage}"
    return Question(
        ingress=WEBSOCKET,
        api=api,
        request=HttpRequest(
            method="GET",
            target=target,
            headers=_pairs(event.get("multiValueHeaders")),
            client_address=context["identity"]["sourceIp"],
        ),
        query=query,
        arn=f"{api.arn}/$connect",
        make_event=lambda: {"stageVariables": {}, **event},
    )


def told(event: dict[str, Any], caller: Identity | None) -> dict[str, Any]:
    """The event, with what is known of the client of its connection."""
    context = event["requestContext"]
    identity = {**context["identity"], **identity_of(caller)}
    return {**event, "requestContext": {**context, **rest(caller), "identity": identity}}


def _pairs(lists: dict[str, list[str]] | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, values in (lists or {}).items() for value in values)
