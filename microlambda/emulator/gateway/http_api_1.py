"""API Gateway HTTP APIs with Lambda proxy integration, payload format 1.0: the ingress "http-api-1.0".

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.answers import (
    MalformedAnswer,
    body_of,
    fields_of,
    is_proxy_answer,
    multi_fields_of,
    response,
    status_of,
)
from microlambda.emulator.gateway.bodies import event_body
from microlambda.emulator.gateway.caller_members import identity_of, payload_1
from microlambda.emulator.gateway.fields import forwarded_fields
from microlambda.emulator.gateway.http_api import HttpApi, domain, parsed
from microlambda.emulator.gateway.rest_api import CAPITALISED, gathered, identity, merged
from microlambda.emulator.gateway.routes import DEFAULT

if TYPE_CHECKING:
    from microlambda.emulator.gateway.api import Call
    from microlambda.emulator.messages import HttpResponse


class HttpApi1(HttpApi):
    """HTTP in, events of payload format 1.0 out; results of format 1.0 in, HTTP out."""

    name = "http-api-1.0"

    def to_event(self, call: Call) -> dict[str, Any]:
        """Build the event; `path` and the query are decoded, as HTTP APIs do it."""
        fields = [(CAPITALISED.get(name.lower(), name), value) for name, value in forwarded_fields(call)]
        body, is_base64 = (
            event_body(call.request.body, call.request.header("content-type"))
            if call.request.body
            else (None, False)
        )
        return {
            "version": "1.0",
            # `$default` is recorded in serverless-offline#1175; of another route it is the path.
            "resource": call.route.path,
            "path": call.target.path,
            "httpMethod": call.request.method,
            "headers": dict(fields),
            "multiValueHeaders": gathered(fields),
            "queryStringParameters": dict(call.target.query) or None,
            "multiValueQueryStringParameters": gathered(call.target.query) or None,
            "requestContext": _request_context(call),
            "pathParameters": dict(call.route.parameters) or None,
            "stageVariables": None,
            "body": body,
            "isBase64Encoded": is_base64,
        }

    def to_response(self, call: Call, payload: bytes) -> HttpResponse:
        """Read the function's result; format 1.0 has no short form (the documents: "must return")."""
        result = parsed(payload)
        if not is_proxy_answer(result):
            raise MalformedAnswer("the result is not an object with a statusCode")
        fields = merged(fields_of(result.get("headers")), multi_fields_of(result.get("multiValueHeaders")))
        fields = [(name, value) for name, value in fields if name.lower() != "date"]
        body = body_of(result.get("body"), result.get("isBase64Encoded"))
        status = status_of(result["statusCode"])
        fields += self.own_fields(call)
        return response(call.request.method, status, fields, body, "text/plain;charset=UTF-8")


def _request_context(call: Call) -> dict[str, Any]:
    key = call.route.key
    return {
        "accountId": call.api.account_id,
        "apiId": call.api.api_id,
        **payload_1(call.caller),
        **domain(call),
        "extendedRequestId": call.extended_request_id,
        "httpMethod": call.request.method,
        "identity": {**identity(call), **identity_of(call.caller)},
        "path": call.target.path,
        "protocol": call.request.http_version,
        "requestId": call.extended_request_id,
        "requestTime": call.log_time,
        "requestTimeEpoch": call.epoch_ms,
        "resourceId": None if key == DEFAULT else key,
        "resourcePath": call.route.path,
        "stage": call.api.stage,
    }
