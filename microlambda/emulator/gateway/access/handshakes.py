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


def handshake_question(
    event: dict[str, Any], *, region: str, account_id: str, request: HttpRequest | None = None
) -> Question:
    """Ask about the client of a CONNECT event; without its `request`, that is the one AWS would get."""
    context = event["requestContext"]
    api = Api(api_id=context["apiId"], account_id=account_id, region=region, stage=context["stage"])
    query = _pairs(event.get("multiValueQueryStringParameters"))
    if request is None:
        request = _request(event, query)
    return Question(
        ingress=WEBSOCKET,
        api=api,
        request=request,
        query=query,
        arn=f"{api.arn}/$connect",
        make_event=lambda: {"stageVariables": {}, **event},
    )


def _request(event: dict[str, Any], query: tuple[tuple[str, str], ...]) -> HttpRequest:
    """The handshake at the stage's own URL."""
    context = event["requestContext"]
    asked = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    stage = context["stage"]
    return HttpRequest(
        method="GET",
        target=f"/{stage}?{asked}" if asked else f"/{stage}",
        headers=_pairs(event.get("multiValueHeaders")),
        client_address=context["identity"]["sourceIp"],
    )


def told(event: dict[str, Any], caller: Identity | None) -> dict[str, Any]:
    """The event, with what is known of the client of its connection."""
    context = event["requestContext"]
    identity = {**context["identity"], **identity_of(caller)}
    return {**event, "requestContext": {**context, **rest(caller), "identity": identity}}


def _pairs(lists: dict[str, list[str]] | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, values in (lists or {}).items() for value in values)
