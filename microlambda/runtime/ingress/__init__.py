"""Which gateway sent an event; the adapter for it is loaded when its first event comes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .base import Ingress

#: What an unknown event is compared with, in the words of the AWS console.
RECOGNISED = (
    "an API Gateway REST API (httpMethod and requestContext)",
    'an API Gateway HTTP API with payload 2.0 (version "2.0" and requestContext.http)',
    "a Lambda Function URL (the same, with a domain name at .lambda-url.)",
)


def infer(event: Any) -> Ingress | None:
    """The adapter for an HTTP event, None for every other event."""
    context = event.get("requestContext") if type(event) is dict else None
    if type(context) is not dict:
        return None
    if "httpMethod" in event:
        return _payload_1(event, context)
    http = context.get("http")
    if event.get("version") == "2.0" and type(http) is dict and "method" in http:
        return _payload_2(context)
    return None


def _payload_1(event: dict[str, Any], context: dict[str, Any]) -> Ingress | None:
    # An ALB's events and an HTTP API's with payload 1.0 decode otherwise: this version reads neither.
    if "elb" in context or "version" in event:
        return None
    from .rest_api import REST_API

    return REST_API


def _payload_2(context: dict[str, Any]) -> Ingress:
    if ".lambda-url." in (context.get("domainName") or ""):
        from .function_url import FUNCTION_URL

        return FUNCTION_URL
    from .http_api import HTTP_API

    return HTTP_API
