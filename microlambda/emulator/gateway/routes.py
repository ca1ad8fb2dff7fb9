"""The routes of an HTTP API: which of them a request takes, and what it asks of its callers.

They are matched against the path as it is decoded, in which a slash at the end counts. Of those that fit, the
one with the most specific path is taken, and of two with one path that of the method before ANY.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from microlambda.emulator.gateway.guards import OPEN, Guard

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT = "$default"

_ANY = "ANY"


@dataclass(frozen=True, kw_only=True)
class Route:
    """The route that a request takes, by its key, and what of the path is in its variables."""

    key: str
    guard: Guard
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path of the key; `$default` has none, and stands for itself."""
        return self.key.rpartition(" ")[2]


@dataclass(frozen=True, kw_only=True)
class Routes:
    """What an API has: the guard of each route, by its key ("GET /users/{id}"), beside its `$default`."""

    guards: Mapping[str, Guard] = field(default_factory=dict)
    default: Guard = OPEN

    def match(self, method: str, path: str) -> Route:
        """Find the route for a request."""
        segments = path.split("/")[1:]
        for of_method, parts, key in self._ranked:
            if of_method in (method, _ANY):
                parameters = _parameters(parts, segments)
                if parameters is not None:
                    return Route(key=key, guard=self.guards[key], parameters=parameters)
        return Route(key=DEFAULT, guard=self.default)

    @cached_property
    def _ranked(self) -> list[tuple[str, list[str], str]]:
        """Method, parts and key of each route, the most specific first."""
        split = [(*key.partition(" ")[::2], key) for key in self.guards]
        taken = [(method, path.split("/")[1:], key) for method, path, key in split]
        return sorted(taken, key=lambda one: (*map(_rank, one[1]), int(one[0] == _ANY)))


def _parameters(parts: list[str], segments: list[str]) -> dict[str, str] | None:
    """What of the path is in the pattern's variables; None where the path is no such one.

    A greedy variable takes the rest, which may be empty behind a slash: recorded for `/handler/{proxy+}` and
    "/handler/" (a route `ANY`, pathParameters `{"proxy": ""}`).
    """
    found: dict[str, str] = {}
    for number, part in enumerate(parts):
        if number >= len(segments):
            return None
        if part.endswith("+}"):
            found[part[1:-2]] = "/".join(segments[number:])
            return found
        segment = segments[number]
        if part[:1] == "{" and segment:
            found[part[1:-1]] = segment
        elif part != segment:
            return None
    return found if len(parts) == len(segments) else None


def _rank(part: str) -> int:
    """Fixed parts come before variables, and these before what takes the rest."""
    if part.endswith("+}"):
        return 2
    return int(part[:1] == "{")


#: Those of an API that lets everybody call everything.
ALL_OPEN = Routes()
