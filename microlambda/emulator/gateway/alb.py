"""Application Load Balancers with a Lambda function as target: "alb" and "alb-multi-value".

A target group takes and gives either one value for each header and query key, or lists of them.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.answers import (
    Fields,
    MalformedAnswer,
    body_of,
    fields_of,
    multi_fields_of,
    response,
    status_of,
)
from microlambda.emulator.gateway.bodies import TEXT_TYPES, encoded
from microlambda.emulator.gateway.fields import forwarded_fields
from microlambda.emulator.gateway.http_api import parsed
from microlambda.emulator.gateway.rest_api import gathered
from microlambda.emulator.gateway.unguarded import Unguarded

if TYPE_CHECKING:
    from microlambda.emulator.gateway.api import Call
    from microlambda.emulator.messages import HttpRequest, HttpResponse

# how-elastic-load-balancing-works.html#http-header-limits: request line and each header, in bytes.
_MAX_LINE = 16 * 1024


class Alb(Unguarded):
    """HTTP in, events with one value for each name out; results of the same kind in, HTTP out."""

    name = "alb"
    default_stage = "$default"
    # lambda-functions.html, "Limits": the request's body and the response's JSON; headers: see above. The
    # load balancer waits as long as the function may run ("Function timeout").
    max_body = 1024 * 1024
    max_headers = 64 * 1024
    max_result = 1024 * 1024
    integration_timeout: float | None = None

    def header_size(self, request: HttpRequest) -> int:
        """What counts towards `max_headers`: all header lines."""
        return sum(len(name) + len(value) + 4 for name, value in request.headers)

    def accepts(self, call: Call) -> bool:
        """Refuse a request line or a single header that is too long."""
        request = call.request
        lines = [len(request.method) + len(request.target) + len(request.http_version) + 2]
        lines += [len(name) + len(value) + 2 for name, value in request.headers]
        return max(lines) <= _MAX_LINE

    def to_event(self, call: Call) -> dict[str, Any]:
        """Build the event; neither the path nor the query is decoded."""
        arn = f"arn:aws:elasticloadbalancing:{call.api.region}:{call.api.account_id}"
        return {
            "requestContext": {"elb": {"targetGroupArn": f"{arn}:targetgroup/local/6d0ecf831eec9f09"}},
            "httpMethod": call.request.method,
            "path": call.target.raw_path,
            **self.maps(_raw_pairs(call.target.raw_query), _forwarded(call)),
            **_body_members(call),
        }

    def maps(self, query: Fields, headers: Fields) -> dict[str, Any]:
        """Query and headers; of a repeated one the last is there ("Multi-value headers")."""
        return {"queryStringParameters": dict(query), "headers": dict(headers)}

    def fields(self, result: dict[str, Any]) -> Fields:
        """The header fields of an answer."""
        return fields_of(_strings_only(result.get("headers")))

    def to_response(self, call: Call, payload: bytes) -> HttpResponse:
        """Read the function's result; its status is a number and its headers are strings."""
        result = parsed(payload)
        if not isinstance(result, dict):
            raise MalformedAnswer(f"the result is {type(result).__name__}, not an object")
        status = result.get("statusCode")
        if (
            type(status) is not int
        ):  # recorded: adamchainz/apig-wsgi#52 (a string), Adyen/adyen-commercetools#1249
            raise MalformedAnswer(f"statusCode is {status!r}, not a number")
        fields = self.fields(result)
        if not any(name.lower() == "server" for name, _ in fields):
            fields += self.own_fields(call)
        body = body_of(result.get("body"), result.get("isBase64Encoded"))
        return response(call.request.method, status_of(status), fields, body, "application/octet-stream")

    def own_fields(self, call: Call) -> Fields:  # noqa: ARG002 - the other ingresses need it
        """The field that the load balancer adds where the answer has none."""
        return [("Server", "awselb/2.0")]


class AlbMultiValue(Alb):
    """The same with `lambda.multi_value_headers.enabled`: lists both ways, and nothing else is read."""

    name = "alb-multi-value"

    def maps(self, query: Fields, headers: Fields) -> dict[str, Any]:
        """Query and headers with all their values."""
        return {"multiValueQueryStringParameters": gathered(query), "multiValueHeaders": gathered(headers)}

    def fields(self, result: dict[str, Any]) -> Fields:
        """The header fields of an answer: "you must use multiValueHeaders"."""
        return multi_fields_of(_strings_only(result.get("multiValueHeaders")))


def _forwarded(call: Call) -> Fields:
    """The fields, names in lower case, with the trace that the load balancer starts or joins."""
    fields = [(name.lower(), value) for name, value in forwarded_fields(call)]
    sent = call.request.header("x-amzn-trace-id")
    if sent is None:
        return fields
    own = call.trace_id.removeprefix("Root=")
    # load-balancer-request-tracing.html: a Self field is put in front of a Root that came along.
    joined = f"Self={own};{sent}" if "Root=" in sent else f"Self={own};Root={own};{sent}"
    return [(name, joined if name == "x-amzn-trace-id" else value) for name, value in fields]


def _raw_pairs(raw_query: str) -> Fields:
    """The pairs of a query as they stand there."""
    pieces = [piece.partition("=") for piece in raw_query.split("&") if piece]
    return [(key, value) for key, _, value in pieces]


def _body_members(call: Call) -> dict[str, Any]:
    """The body; base64 where it is compressed or no text ("Receive events from the load balancer")."""
    body, request = call.request.body, call.request
    mimetype = (request.header("content-type") or "").partition(";")[0].strip().lower()
    is_text = mimetype.startswith("text/") or mimetype in TEXT_TYPES
    if not body or (is_text and request.header("content-encoding") is None):
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass  # a string of JSON cannot carry it
    return {"body": encoded(body), "isBase64Encoded": True}


def _strings_only(headers: Any) -> Any:
    """The headers, none of them a number or a boolean (recorded: jeremydaly/lambda-api#117)."""
    for name, values in headers.items() if isinstance(headers, dict) else ():
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(value, str):
                raise MalformedAnswer(f"the header {name!r} is {type(value).__name__}, not a string")
    return headers
