"""API Gateway HTTP APIs, payload format 2.0: the ingress "http-api".

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.answers import (
    Fields,
    MalformedAnswer,
    body_of,
    fields_of,
    is_proxy_answer,
    response,
    status_of,
)
from microlambda.emulator.gateway.bodies import event_body
from microlambda.emulator.gateway.caller_members import payload_2
from microlambda.emulator.gateway.fields import (
    cookies_of,
    forwarded_fields,
    joined_fields,
    joined_query,
)
from microlambda.emulator.invocation import MAX_RESULT

if TYPE_CHECKING:
    from microlambda.emulator.gateway.api import Call
    from microlambda.emulator.gateway.guards import Guard
    from microlambda.emulator.messages import HttpRequest, HttpResponse


class HttpApi:
    """HTTP in, events of payload format 2.0 out; results of format 2.0 in, HTTP out."""

    name = "http-api"
    default_stage = "$default"
    # http-api-quotas.html: payload size, total of request line and header values, maximum integration
    # timeout.
    max_body = 10 * 1024 * 1024
    max_headers = 10_240
    max_result = MAX_RESULT
    integration_timeout: float | None = 30.0

    def header_size(self, request: HttpRequest) -> int:
        """What counts towards `max_headers`: the request line and the header values."""
        line = len(request.method) + len(request.target) + len(request.http_version) + 2
        return line + sum(len(value) for _, value in request.headers)

    def accepts(self, call: Call) -> bool:
        """Whether the gateway lets this well-formed request through."""
        return bool(call.target.raw_path)

    def guard(self, call: Call) -> Guard:
        """What the request's route asks of its callers."""
        return call.route.guard

    def arn(self, call: Call) -> str:
        """What an authorizer is asked about: the stage, the method and the decoded path."""
        path = call.target.path[len(call.api.base_path) :]
        return f"{call.api.arn}/{call.request.method}/{path.removeprefix('/')}"

    def asked_event(self, call: Call) -> dict[str, Any]:
        """What an authorizer is told of the request: payload 2.0, whatever the events of the API."""
        return HttpApi.to_event(self, call)

    def to_event(self, call: Call) -> dict[str, Any]:
        """Build the event; `rawPath` is decoded, as HTTP APIs do it."""
        headers = joined_fields(forwarded_fields(call))
        headers.pop("cookie", None)
        route = call.route
        event = {
            "version": "2.0",
            "routeKey": route.key,
            "rawPath": call.target.path,
            "rawQueryString": call.target.raw_query,
            **optional_members(call),
            "headers": headers,
            "requestContext": {
                "accountId": call.api.account_id,
                "apiId": call.api.api_id,
                **domain(call),
                **payload_2(call.caller),
                **request_context(call, call.extended_request_id),
                "routeKey": route.key,
            },
        }
        if route.parameters:
            event["pathParameters"] = dict(route.parameters)
        return with_body(event, call)

    def to_response(self, call: Call, payload: bytes) -> HttpResponse:
        """Read the function's result, inferring its format as HTTP APIs do."""
        result = parsed(payload)
        method = call.request.method
        own: Fields = [("Apigw-Requestid", call.extended_request_id)]
        if not is_proxy_answer(result):
            body = result.encode() if isinstance(result, str) else payload
            return response(method, 200, own, body, "application/json")
        fields = [
            *((name, value) for name, value in fields_of(result.get("headers")) if name.lower() != "date"),
            *set_cookies(result.get("cookies")),
            *own,
        ]
        body = body_of(result.get("body"), result.get("isBase64Encoded"))
        return response(method, status_of(result["statusCode"]), fields, body, "text/plain;charset=UTF-8")

    def own_fields(self, call: Call) -> Fields:
        """The fields that the gateway adds to its own answers."""
        return [("Apigw-Requestid", call.extended_request_id)]


def domain(call: Call) -> dict[str, str]:
    """Name the API's own domain, or the custom one, which is where base paths are."""
    if call.api.base_path:
        return {"domainName": call.host, "domainPrefix": call.host.partition(".")[0]}
    name = f"{call.api.api_id}.execute-api.{call.api.region}.amazonaws.com"
    return {"domainName": name, "domainPrefix": call.api.api_id}


def request_context(call: Call, request_id: str) -> dict[str, Any]:
    """The part of `requestContext` that HTTP APIs and function URLs share."""
    return {
        "http": {
            "method": call.request.method,
            "path": call.target.path,
            "protocol": call.request.http_version,
            "sourceIp": call.request.client_address,
            "userAgent": call.request.header("user-agent") or "",
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": call.api.stage,
        "time": call.log_time,
        "timeEpoch": call.epoch_ms,
    }


def optional_members(call: Call) -> dict[str, Any]:
    """Members that payload 2.0 leaves out where there is nothing to put in."""
    members: dict[str, Any] = {}
    if cookies := cookies_of(call):
        members["cookies"] = cookies
    if query := joined_query(call.target.query):
        members["queryStringParameters"] = query
    return members


def with_body(event: dict[str, Any], call: Call) -> dict[str, Any]:
    """Add the body; without one the member is absent."""
    event["isBase64Encoded"] = False
    if call.request.body:
        event["body"], event["isBase64Encoded"] = event_body(
            call.request.body, call.request.header("content-type")
        )
    return event


def parsed(payload: bytes) -> Any:
    """The result's JSON; the empty payload of a runtime that posted nothing is null."""
    try:
        return json.loads(payload) if payload else None
    except ValueError as exc:
        raise MalformedAnswer("the result is not JSON") from exc


def set_cookies(cookies: object) -> Fields:
    """One Set-Cookie for each entry of `cookies`."""
    if cookies is None:
        return []
    if not isinstance(cookies, list):
        raise MalformedAnswer(f"cookies is {type(cookies).__name__}, not a list")
    return [fields_of({"Set-Cookie": cookie}, "cookies")[0] for cookie in cookies]
