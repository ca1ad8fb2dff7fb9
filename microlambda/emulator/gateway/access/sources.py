"""Identity sources: where in a request stands what an authorizer decides by.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.fields import as_text

if TYPE_CHECKING:
    from microlambda.emulator.gateway.decisions import Question

# `$request.header.X` of an HTTP API, `method.request.header.X` of a REST API, `route.request.header.X` of a
# WebSocket API; `context.X` and `$context.X`.
_SOURCE = re.compile(r"\$?(?:(?:method|route)\.)?(request\.header|request\.querystring|context)\.(.+)")


def values_of(source: str, question: Question) -> tuple[str, ...]:
    """All that the request has there, empty values left out; no API here has stage variables."""
    found = _SOURCE.fullmatch(source)
    if found is None:
        return ()
    where, name = found.groups()
    if where == "request.header":
        values = [as_text(value) for value in question.request.values(name)]
    elif where == "request.querystring":
        values = [value for key, value in question.query if key == name]
    else:
        values = _of_context(question.make_event()["requestContext"], name)
    return tuple(value for value in values if value.strip())


def _of_context(context: dict[str, Any], name: str) -> list[str]:
    """A context variable; those of HTTP APIs have other names than the members of their events."""
    http = context.get("http")
    if http is not None:
        identity = {"sourceIp": http["sourceIp"], "userAgent": http["userAgent"]}
        same = {"httpMethod": http["method"], "path": http["path"], "protocol": http["protocol"]}
        context = {**context, **same, "identity": identity}
    value: Any = context
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return [] if value is None or isinstance(value, dict) else [str(value)]
