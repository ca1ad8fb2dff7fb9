"""May a client of a test open a connection? The authorizer of `on_ws_connect` is asked, as on AWS."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.access.handshakes import (
    WEBSOCKET,
    guard_of_handshake,
    handshake_question,
    told,
)
from microlambda.plan.asked import asked_at_handshake
from microlambda.testing.lambda_context import ACCOUNT, REGION

if TYPE_CHECKING:
    from microlambda.emulator.gateway.decisions import Identity, Refused
    from microlambda.testing.event_methods import EventMethods

__all__ = ["WEBSOCKET", "admitted", "told"]


def admitted(client: EventMethods, declared: Any, event: dict[str, Any]) -> Identity | Refused:
    """Who the client is, or why the authorizer that was declared does not let it in."""
    guard, authorizers = guard_of_handshake(asked_at_handshake(client.app, declared))
    question = handshake_question(event, region=REGION, account_id=ACCOUNT)
    if client.signer is not None and question.request.header("authorization") is None:
        added = client.signer.fields(question.request, region=REGION, service="execute-api")
        request = replace(question.request, headers=(*question.request.headers, *added))
        question = replace(question, request=request)
    return client.gatekeeper.decider(authorizers).decide(guard, question)
