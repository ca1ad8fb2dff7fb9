"""Views that ask for an API key, which a REST API checks; loaded when the first of them is asked for.

Beside the explicit route of such a view stands a route for everything, which asks for no key. So a request
reaches the view only where its event shows that it came through the view's own route, with a key that API
Gateway has checked. Of a method that asks for none, `apiKeyId` is null.
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

_CAPTURE = re.compile(r"<(?:string:)?(\w+)>|\{(\w+)\}", re.ASCII)
_GREEDY = re.compile(r"<path:(\w+)>|\{(\w+)\+\}", re.ASCII)


def check_api_key(rule: Rule, request: Request) -> None:
    """Raise Forbidden unless the request came through the rule's own route, with a key."""
    event = request.event
    if request._ingress.name == "rest-api" and event.get("resource") == resource_of(rule.rule):
        identity = event["requestContext"].get("identity") or {}
        if identity.get("apiKeyId") and identity.get("apiKey"):
            return
    raise Forbidden("this view asks for an API key.")


def resource_of(rule: str) -> str | None:
    """The rule as a resource of API Gateway has it, `/users/{id}`; None where none can.

    API Gateway takes a path with a slash at its end for the one without.
    """
    segments = merged_slashes(rule).strip("/").split("/")
    found = [_segment(segment, is_last=number == len(segments)) for number, segment in enumerate(segments, 1)]
    return None if None in found else "/" + "/".join(map(str, found))


def _segment(text: str, *, is_last: bool) -> str | None:
    if "<" not in text and "{" not in text:
        return text
    if capture := _CAPTURE.fullmatch(text):
        return f"{{{capture[1] or capture[2]}}}"
    if is_last and (capture := _GREEDY.fullmatch(text)):
        return f"{{{capture[1] or capture[2]}+}}"
    return None
