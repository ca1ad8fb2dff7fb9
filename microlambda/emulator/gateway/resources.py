"""The resources of a REST API: which of them a path leads to, and what its methods ask of their callers.

A fixed part of a path goes before a variable, which goes before the rest of the path; a resource once entered
is not left for one beside it.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-set-up-simple-proxy.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microlambda.emulator.gateway.guards import OPEN, Guard

if TYPE_CHECKING:
    from microlambda.emulator.messages import HttpRequest

#: Tells the id of the API key that has this value, None where it may not call.
FindKey = Callable[[str], "str | None"]

ANY = "ANY"


@dataclass(frozen=True, kw_only=True)
class Matched:
    """The resource that a path leads to, and what of the path is in its variables, as it was sent."""

    resource: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """The key that a request was let in with."""

    id: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What an API has: for each resource, by its path, the guards of its methods.

    A method that is not there by itself has the guard of ANY, and none where that is not there either.
    """

    guards: Mapping[str, Mapping[str, Guard]]
    find_key: FindKey = lambda _value: None

    def match(self, raw_path: str) -> Matched | None:
        """Find the resource for a path; slashes at its ends count for nothing."""
        parts = raw_path.strip("/").split("/") if raw_path.strip("/") else []
        resource, parameters = "", {}
        for number, part in enumerate(parts):
            inside = self._inside(resource)
            if part in inside and part[:1] != "{":
                resource = f"{resource}/{part}"
                continue
            variable = next((one for one in sorted(inside, key=_is_greedy) if one[:1] == "{"), None)
            if variable is None:
                return None
            resource = f"{resource}/{variable}"
            if _is_greedy(variable):
                parameters[variable[1:-2]] = "/".join(parts[number:])
                break
            parameters[variable[1:-1]] = part
        found = resource or "/"
        return Matched(resource=found, parameters=parameters) if found in self.guards else None

    def guard(self, method: str, raw_path: str) -> Guard:
        """Give what the method asks for on the resource of that path."""
        matched = self.match(raw_path)
        if matched is None:
            return OPEN
        methods = self.guards[matched.resource]
        return methods.get(method) or methods.get(ANY, OPEN)

    def key(self, request: HttpRequest, raw_path: str) -> ApiKey | None:
        """Give the key of a request that needs one; None where it needs or has none."""
        value = request.header("x-api-key")
        if not value or not self.guard(request.method, raw_path).api_key:
            return None
        found = self.find_key(value)
        return None if found is None else ApiKey(id=found, value=value)

    def refuses(self, request: HttpRequest, raw_path: str) -> bool:
        """Tell whether the request lacks a key that it needs."""
        return self.guard(request.method, raw_path).api_key and self.key(request, raw_path) is None

    def _inside(self, resource: str) -> set[str]:
        start = f"{resource}/"
        return {
            path.removeprefix(start).partition("/")[0]
            for path in self.guards
            if path.startswith(start) and path != "/"
        }


def is_one_of(value: str, keys: Iterable[str]) -> bool:
    """Tell whether a key is one of those, in a time that does not say how near it comes to one."""
    found = [hmac.compare_digest(value.encode(), key.encode()) for key in keys]
    return any(found)


def key_id(value: str) -> str:
    """Make an id for a key that was not made by API Gateway."""
    return hashlib.sha256(value.encode()).hexdigest()[:10]


def _is_greedy(segment: str) -> bool:
    return segment.endswith("+}")


#: Those of an API whose methods ask for nothing: two for everything.
CATCH_ALL = Resources(guards={"/": {}, "/{proxy+}": {}})
