"""Views that ask for an API key, which a REST API checks; loaded when the first of them is asked for.

Beside such a view's own route stands one for everything, which asks for no key: the event has to show that it
came through the view's own, with a key. Of a method that asks for none, `apiKeyId` is null.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from __future__ import annotations

import re

from ..errors import Forbidden
from ..routing.rule import merged_slashes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..http.request import Request
    from ..routing.rule import Rule

_CAPTURE = re.compile(r"<(?:(string|path):)?(\w+)>", re.ASCII)


def check_api_key(rule: Rule, request: Request) -> None:
    """Raise Forbidden unless the request came through the rule's own route, with a key."""
    event = request.event
    if request._ingress.name == "rest-api" and event.get("resource") == resource_of(rule.rule):
        identity = event["requestContext"].get("identity") or {}
        if identity.get("apiKeyId") and identity.get("apiKey"):
            return
    raise Forbidden("this view asks for an API key.")


def resource_of(rule: str) -> str:
    """The rule as a resource of API Gateway has it, `/users/{id}`.

    What none can express stays in it as it is, and API Gateway has no resource of such a name. It takes a
    path with a slash at its end for the one without.
    """
    named = _CAPTURE.sub(lambda part: f"{{{part[2]}{'+' * (part[1] == 'path')}}}", merged_slashes(rule))
    return named.rstrip("/") or "/"
