"""Whom a gateway lets in: the question about a caller, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from microlambda.emulator.gateway.api import Api
    from microlambda.emulator.gateway.failures import Failure
    from microlambda.emulator.gateway.guards import Guard
    from microlambda.emulator.messages import HttpRequest


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request that waits for an answer: may this caller in?

    `arn` names what is asked for: API, stage, method and path. `make_event` gives the event that the function
    behind would get. `query` has the decoded pairs.
    """

    ingress: str
    api: Api
    request: HttpRequest
    query: tuple[tuple[str, str], ...]
    arn: str
    make_event: Callable[[], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class TokenIdentity:
    """A caller with a token that was checked: what the token says, and the scopes that it was asked for."""

    claims: Mapping[str, Any]
    scopes: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class FunctionIdentity:
    """A caller that a function let in, and what it said of him."""

    principal: str | None
    context: Mapping[str, Any] | None = None
    latency: int = 0  # ms


@dataclass(frozen=True, kw_only=True)
class IamIdentity:
    """A caller that AWS knows, by the key that signed his request."""

    access_key: str
    account_id: str
    user_id: str
    arn: str


Identity = TokenIdentity | FunctionIdentity | IamIdentity


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A caller who is not let in: `reason` is for the developer, and has no part of what the caller sent.

    `message` is what the caller is told, where the gateway's answer to this failure depends on more than the
    failure; `fields` go out with it.
    """

    failure: Failure
    reason: str
    message: str | None = None
    fields: tuple[tuple[str, str], ...] = field(default=())


class Decider(Protocol):
    """Decides about the callers of an API's guarded methods."""

    def decide(self, guard: Guard, question: Question) -> Identity | Refused:
        """Let the caller in, or say why not."""
        ...
