"""Which gateway sent an event; the adapter for it is loaded when its first event comes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .base import Ingress

#: What an unknown event is compared with, in the words of the AWS console.
RECOGNISED = (
    "an API Gateway REST API (httpMethod and requestContext)",
    'an API Gateway HTTP API with payload 2.0 (version "2.0" and requestContext.http) '
    'or 1.0 (version "1.0" and httpMethod)',
    "a Lambda Function URL (as payload 2.0, with a domain name at .lambda-url.)",
    "an Application Load Balancer (requestContext.elb)",
    'a VPC Lattice service with event structure 2 (version "2.0" and requestContext.serviceArn)',
)

_rest_api: Ingress | None = None
_http_api: Ingress | None = None
_function_url: Ingress | None = None


def infer(event: Any) -> Ingress | None:
    """The adapter for an HTTP event, None for every other event."""
    context = event.get("requestContext") if type(event) is dict else None
    if type(context) is not dict:
        return None
    if "httpMethod" in event:
        if "elb" in context or "version" in event or "methodArn" in event or "connectionId" in context:
            return _payload_1(event, context)
        global _rest_api  # an import in each call takes longer than the rest of it
        if _rest_api is None:
            from .rest_api import REST_API

            _rest_api = REST_API
        return _rest_api
    if event.get("version") == "2.0":
        return _payload_2(event, context)
    return None


def _payload_1(event: dict[str, Any], context: dict[str, Any]) -> Ingress | None:
    """What sends an event in the shape of a REST API's, and is none."""
    if "methodArn" in event or "connectionId" in context:
        return None  # the question to an authorizer; a WebSocket
    if "elb" in context:
        from .alb import ALB, ALB_MULTI_VALUE

        return ALB_MULTI_VALUE if "multiValueHeaders" in event else ALB
    if event["version"] == "1.0":
        from .http_api_1 import HTTP_API_1

        return HTTP_API_1
    return None


def _payload_2(event: dict[str, Any], context: dict[str, Any]) -> Ingress | None:
    http = context.get("http")
    if type(http) is dict:
        if "method" not in http or "routeArn" in event:
            return None  # the question to an authorizer has a routeArn
        if ".lambda-url." in (context.get("domainName") or ""):
            global _function_url  # the same
            if _function_url is None:
                from .function_url import FUNCTION_URL

                _function_url = FUNCTION_URL
            return _function_url
        global _http_api  # the same
        if _http_api is None:
            from .http_api import HTTP_API

            _http_api = HTTP_API
        return _http_api
    if "serviceArn" in context and "method" in event and "path" in event:
        from .vpc_lattice import VPC_LATTICE

        return VPC_LATTICE
    return None
