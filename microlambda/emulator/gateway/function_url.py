"""Lambda function URLs: the ingress "function-url".

The event is payload format 2.0 with differences: the raw path stays encoded, cookies come both ways. A URL
asks everybody for a signature, or nobody: the API's default route says which.
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.answers import (
    Fields,
    body_of,
    fields_of,
    is_proxy_answer,
    remapped,
    response,
    status_of,
)
from microlambda.emulator.gateway.caller_members import payload_2
from microlambda.emulator.gateway.decisions import IamIdentity
from microlambda.emulator.gateway.fields import forwarded_fields, joined_fields, trace_id
from microlambda.emulator.gateway.http_api import (
    optional_members,
    parsed,
    request_context,
    set_cookies,
    with_body,
)
from microlambda.emulator.gateway.lambda_limits import LambdaLimits

if TYPE_CHECKING:
    from microlambda.emulator.gateway.api import Call
    from microlambda.emulator.gateway.guards import Guard
    from microlambda.emulator.messages import HttpResponse

# WWW-Authenticate is reported by several deployments ("renamed to x-amzn-Remapped-www-authenticate by the
# Lambda function URL"); the others are those that REST APIs and function URLs have in common.
REMAPPED = frozenset(
    ("www-authenticate", "date", "server", "connection", "content-length", "host", "x-amzn-requestid")
)


class FunctionUrl(LambdaLimits):
    """HTTP in, events of a function URL out; results of format 2.0 in, HTTP out."""

    name = "function-url"

    def guard(self, call: Call) -> Guard:
        """What the URL asks of its callers."""
        return call.api.routes.default

    def to_event(self, call: Call) -> dict[str, Any]:
        """Build the event; `rawPath` is still encoded, `requestContext.http.path` is not."""
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": call.target.raw_path,
            "rawQueryString": call.target.raw_query,
            **optional_members(call),
            "headers": joined_fields(forwarded_fields(call)),
            "requestContext": {
                # AuthType NONE: recorded in LocalStack's AWS-validated tests
                "accountId": call.caller.account_id if isinstance(call.caller, IamIdentity) else "anonymous",
                "apiId": call.api.api_id,
                "domainName": f"{call.api.api_id}.lambda-url.{call.api.region}.on.aws",
                "domainPrefix": call.api.api_id,
                **payload_2(call.caller),
                **request_context(call, call.request_id),
            },
        }
        return with_body(event, call)

    def to_response(self, call: Call, payload: bytes) -> HttpResponse:
        """Read the function's result, inferring its format as function URLs do."""
        result = parsed(payload)
        method = call.request.method
        if not is_proxy_answer(result):
            body = result.encode() if isinstance(result, str) else payload
            return response(method, 200, self.own_fields(call), body, "application/json")
        fields = [
            *remapped(fields_of(result.get("headers")), REMAPPED),
            *set_cookies(result.get("cookies")),
            *self.own_fields(call),
        ]
        body = _body(result)
        return response(method, status_of(result["statusCode"]), fields, body, "application/json")

    def own_fields(self, call: Call) -> Fields:
        """The fields that a function URL adds to every answer."""
        return [("x-amzn-RequestId", call.request_id), ("X-Amzn-Trace-Id", trace_id(call))]


def _body(result: dict[str, Any]) -> bytes:
    """A body that is an object goes out as JSON (recorded: LocalStack's http-response-json)."""
    body = result.get("body")
    if isinstance(body, dict):
        return json.dumps(body, ensure_ascii=False).encode()
    return body_of(body, result.get("isBase64Encoded"))
