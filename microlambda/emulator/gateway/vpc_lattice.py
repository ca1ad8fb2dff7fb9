"""VPC Lattice services with a Lambda function as target, event structure version 2: "vpc-lattice".

What the documents leave open is taken from code that was written against the service: lists as values,
and one string for each header of an answer (aws/aws-lambda-go#521); the query behind `path` (Powertools).
https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.answers import (
    Fields,
    MalformedAnswer,
    body_of,
    fields_of,
    response,
    status_of,
)
from microlambda.emulator.gateway.bodies import encoded
from microlambda.emulator.gateway.fields import forwarded_fields
from microlambda.emulator.gateway.http_api import parsed
from microlambda.emulator.gateway.lambda_limits import LambdaLimits
from microlambda.emulator.gateway.rest_api import gathered

if TYPE_CHECKING:
    from microlambda.emulator.gateway.api import Call
    from microlambda.emulator.messages import HttpResponse

# The documents' example events have X-Forwarded-For, and none of these.
_NOT_ADDED = frozenset(("x-amzn-trace-id", "x-forwarded-port", "x-forwarded-proto"))


class VpcLattice(LambdaLimits):
    """HTTP in, events of structure 2 out; results in, HTTP out."""

    name = "vpc-lattice"  # its limits: lambda-functions.html, "Limitations", 6 MB each way

    def to_event(self, call: Call) -> dict[str, Any]:
        """Build the event; `path` is the request target as it came."""
        target, api = call.target, call.api
        lattice = f"arn:aws:vpc-lattice:{api.region}:{api.account_id}"
        event = {
            "version": "2.0",
            "path": f"{target.raw_path}?{target.raw_query}" if target.raw_query else target.raw_path,
            "method": call.request.method,
            "headers": gathered(_forwarded(call)),
            **_body_members(call.request.body),
            "requestContext": {
                "serviceNetworkArn": f"{lattice}:servicenetwork/sn-0bf3f2882e9cc805a",
                "serviceArn": f"{lattice}:service/svc-0a40eebed65f8d69c",
                "targetGroupArn": f"{lattice}:targetgroup/tg-6d0ecf831eec9f09",
                "identity": {"sourceVpcArn": f"arn:aws:ec2:{api.region}:{api.account_id}:vpc/vpc-0b8276c8"},
                "region": api.region,
                "timeEpoch": str(call.epoch_ms * 1000),
            },
        }
        if target.query:
            event["queryStringParameters"] = gathered(target.query)
        return event

    def to_response(self, call: Call, payload: bytes) -> HttpResponse:
        """Read the function's result, which has one string for each header."""
        result = parsed(payload)
        if not isinstance(result, dict) or "statusCode" not in result:
            raise MalformedAnswer("the result is not an object with a statusCode")
        fields = fields_of(result.get("headers"))
        body = body_of(result.get("body"), result.get("isBase64Encoded"))
        status = status_of(result["statusCode"])
        return response(call.request.method, status, fields, body, "application/octet-stream")

    def own_fields(self, call: Call) -> Fields:  # noqa: ARG002 - the other ingresses need it
        """Nothing that is known of."""
        return []


def _forwarded(call: Call) -> Fields:
    """The fields, names in lower case; what the service does not write is the caller's, where it came."""
    kept = [(name.lower(), value) for name, value in forwarded_fields(call) if name.lower() not in _NOT_ADDED]
    sent = [(name.lower(), value) for name, value in call.request.headers if name.lower() in _NOT_ADDED]
    return kept + sent


def _body_members(body: bytes) -> dict[str, Any]:
    """The body; base64 where it "is not already a string", in the words of the documents."""
    try:
        return {"body": body.decode() or None, "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": encoded(body), "isBase64Encoded": True}
