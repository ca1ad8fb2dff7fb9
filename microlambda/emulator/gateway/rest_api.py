"""API Gateway REST APIs with Lambda proxy integration, payload format 1.0: the ingress "rest-api".

The API is the one that we deploy: `ANY /` and `ANY /{proxy+}`, and what protected views have beside them;
binary media type `*/*`, regional. It is served at the root, as behind a custom domain whose mapping names the
stage: `path` and `requestContext.path` are the path asked for, `requestContext.domainName` is the host asked
for, and `requestContext.stage` is the stage. Below its stage, as on its own host, `requestContext.path` alone
has that in front.
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from microlambda.emulator.gateway.answers import (
    Fields,
    MalformedAnswer,
    body_of,
    fields_of,
    multi_fields_of,
    remapped,
    response,
    status_of,
)
from microlambda.emulator.gateway.bodies import encoded
from microlambda.emulator.gateway.caller_members import identity_of, rest
from microlambda.emulator.gateway.fields import forwarded_fields, trace_id
from microlambda.emulator.gateway.http_api import parsed
from microlambda.emulator.gateway.resources import Matched
from microlambda.emulator.invocation import MAX_RESULT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microlambda.emulator.gateway.api import Call
    from microlambda.emulator.gateway.guards import Guard
    from microlambda.emulator.messages import HttpRequest, HttpResponse

# api-gateway-known-issues.html lists what "may be remapped ... when sent back by your integration endpoint";
# of that list these are the ones seen renamed in answers. Content-Type, Content-Encoding and the like pass
# through.
REMAPPED = frozenset(
    (
        "connection",
        "content-length",
        "content-md5",
        "date",
        "expect",
        "host",
        "max-forwards",
        "proxy-authenticate",
        "server",
        "te",
        "trailer",
        "upgrade",
        "user-agent",
        "www-authenticate",
    )
)

# Recorded (LocalStack's AWS-validated test_lambda_aws_proxy_integration): these come capitalised, whatever
# was sent; Content-Length and Connection do not come at all.
CAPITALISED = {"authorization": "Authorization", "host": "Host", "user-agent": "User-Agent"}
_MEMBERS = frozenset(("statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"))
_IDENTITY = (
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
)


_NOWHERE = Matched(resource="/", parameters={})  # of an API without resources


class RestApi:
    """HTTP in, events of payload format 1.0 out; results of format 1.0 in, HTTP out."""

    name = "rest-api"
    default_stage = "local"
    # api-gateway-execution-service-limits-table.html: payload size, total of header values, integration
    # timeout.
    max_body = 10 * 1024 * 1024
    max_headers = 10_240
    max_result = MAX_RESULT
    integration_timeout: float | None = 29.0

    def header_size(self, request: HttpRequest) -> int:
        """What counts towards `max_headers`: the header values."""
        return sum(len(value) for _, value in request.headers)

    def accepts(self, call: Call) -> bool:
        """Refuse what "must be URL-encoded" in a query (api-gateway-known-issues.html)."""
        return not any(character in call.target.raw_query for character in "|{}")

    def guard(self, call: Call) -> Guard:
        """What the request's method on its resource asks of its callers."""
        return call.api.resources.guard(call.request.method, call.resource_path)

    def arn(self, call: Call) -> str:
        """What an authorizer is asked about; slashes at the ends of a path lead to the same resource."""
        return f"{call.api.arn}/{call.request.method}/{call.resource_path.strip('/')}"

    def asked_event(self, call: Call) -> dict[str, Any]:
        """What an authorizer is told of the request, by way of the event."""
        return self.to_event(call)

    def refuses(self, call: Call) -> bool:
        """Refuse a request without the API key that its method asks for."""
        return call.api.resources.refuses(call.request, call.resource_path)

    def to_event(self, call: Call) -> dict[str, Any]:
        """Build the event; `path` is still encoded, the query is decoded."""
        fields = [
            (CAPITALISED.get(name.lower(), name), value)
            for name, value in forwarded_fields(call)
            if name.lower() != "content-length"
        ]
        # Recorded: the greedy parameter is the encoded path without the slashes at its ends.
        matched = call.api.resources.match(call.resource_path) or _NOWHERE
        return {
            "resource": matched.resource,
            "path": call.target.raw_path,
            "httpMethod": call.request.method,
            "headers": dict(fields),
            "multiValueHeaders": gathered(fields),
            "queryStringParameters": dict(call.target.query) or None,
            "multiValueQueryStringParameters": gathered(call.target.query) or None,
            "pathParameters": dict(matched.parameters) or None,
            "stageVariables": None,
            "requestContext": _request_context(call, matched.resource),
            **_body_members(call),
        }

    def to_response(self, call: Call, payload: bytes) -> HttpResponse:
        """Read the function's result; a member that the format does not have spoils it, as on AWS."""
        result = parsed(payload)
        if not isinstance(result, dict):
            raise MalformedAnswer(f"the result is {type(result).__name__}, not an object")
        if unknown := result.keys() - _MEMBERS:
            raise MalformedAnswer(
                f"the result has members that the format has not: {', '.join(sorted(unknown))}"
            )
        status = status_of(200 if result.get("statusCode") is None else result["statusCode"])
        fields = merged(fields_of(result.get("headers")), multi_fields_of(result.get("multiValueHeaders")))
        # With the binary type */* base64 is decoded whatever the request accepts.
        body = body_of(result.get("body"), result.get("isBase64Encoded"))
        fields = [*remapped(fields, REMAPPED), *self.own_fields(call)]
        return response(call.request.method, status, fields, body, "application/json")

    def own_fields(self, call: Call) -> Fields:
        """The fields that a REST API adds to every answer."""
        return [
            ("x-amzn-RequestId", call.request_id),
            ("x-amz-apigw-id", call.extended_request_id),
            ("X-Amzn-Trace-Id", trace_id(call)),
        ]


def _request_context(call: Call, resource: str) -> dict[str, Any]:
    return {
        "accountId": call.api.account_id,
        "apiId": call.api.api_id,
        **rest(call.caller),
        "deploymentId": "local1",
        "domainName": call.host,
        "domainPrefix": call.host.partition(".")[0],
        "extendedRequestId": call.extended_request_id,
        "httpMethod": call.request.method,
        "identity": {**identity(call), **identity_of(call.caller), **_key_members(call)},
        "path": call.api.requested or call.target.raw_path,
        "protocol": call.request.http_version,
        "requestId": call.request_id,
        "requestTime": call.log_time,
        "requestTimeEpoch": call.epoch_ms,
        "resourceId": {"/": "root01", "/{proxy+}": "proxy1"}.get(
            resource, f"{crc32(resource.encode()):x}"[:6]
        ),
        "resourcePath": resource,
        "stage": call.api.stage,
    }


def identity(call: Call) -> dict[str, Any]:
    """The caller of a method without an authorizer, as payload 1.0 tells of him."""
    return {
        **dict.fromkeys(_IDENTITY),
        "sourceIp": call.request.client_address,
        "user": None,
        "userAgent": call.request.header("user-agent"),
        "userArn": None,
    }


def _key_members(call: Call) -> dict[str, Any]:
    """What a method that asks for an API key tells of the caller's."""
    key = call.api.resources.key(call.request, call.resource_path)
    return {} if key is None else {"apiKey": key.value, "apiKeyId": key.id}


def _body_members(call: Call) -> dict[str, Any]:
    # The binary media type */* takes in every body, JSON too: ministackorg/ministack#767 (measured),
    # aws/serverless-application-model#3794, pulumi/pulumi-awsx#518.
    body = call.request.body
    return {"body": encoded(body) if body else None, "isBase64Encoded": bool(body)}


def gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """All values of each name: the multi-value maps of payload 1.0."""
    gathered: dict[str, list[str]] = {}
    for key, value in pairs:
        gathered.setdefault(key, []).append(value)
    return gathered


def merged(single: Fields, multi: Fields) -> Fields:
    """Both maps in one list; a pair that stands in both counts once (the documents' words)."""
    known = {(name.lower(), value) for name, value in multi}
    return [field for field in single if (field[0].lower(), field[1]) not in known] + multi
