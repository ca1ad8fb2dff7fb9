"""API Gateway REST APIs, Lambda proxy integration, payload 1.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

from ..http.request import Request
from .base import Ingress, write_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..http.response import Response


class RestApiIngress(Ingress):
    """`path` is still percent-encoded; headers and query come in two maps, either of which may be null."""

    name = "rest-api"
    streams = True

    def to_request(self, event: dict[str, Any], context: Any) -> Request:
        """The request, its path decoded once; what stands in front of the resource is its `root_path`."""
        path = event.get("path") or "/"
        if (
            event.get("resource") == "/{proxy+}"
            and path == f"/{(event.get('pathParameters') or {}).get('proxy')}"
        ) or path == "/":
            root_path = stage_prefix(event, path)  # by far the most frequent case
            if "%" in path:
                from ..percent import unquote

                path = unquote(path)
        else:
            from .base_path import split_base_path

            root_path, path = split_base_path(event, path)
        return Request(self, event, context, event["httpMethod"], path, root_path)

    def headers(self, event: dict[str, Any]) -> list[tuple[str, str]]:
        """From `multiValueHeaders`, else `headers`."""
        several = event.get("multiValueHeaders")
        if several:
            return [(name, value) for name, values in several.items() for value in values]
        return super().headers(event)

    def query(self, event: dict[str, Any]) -> Iterable[tuple[str, str]]:
        """From `multiValueQueryStringParameters`, already decoded, else `queryStringParameters`."""
        several = event.get("multiValueQueryStringParameters")
        if several:
            return [(key, value) for key, values in several.items() for value in values]
        return (event.get("queryStringParameters") or {}).items()

    def client_address(self, event: dict[str, Any]) -> str | None:
        """`requestContext.identity.sourceIp`."""
        address: str | None = (event["requestContext"].get("identity") or {}).get("sourceIp")
        return address

    def to_result(self, response: Response, body: str | bytes, is_head: bool) -> dict[str, Any]:
        """One value of a name goes into `headers`, several into `multiValueHeaders`."""
        single: dict[str, str] = {}
        several: dict[str, list[str]] = {}
        names: dict[str, str] = {}
        for field, value in response.headers:
            lower = field.lower()
            name = names.setdefault(lower, field)
            if name in several:
                several[name].append(value)
            elif name in single:
                several[name] = [single.pop(name), value]
            else:
                single[name] = value
        if response.status_code in (204, 304) and "content-type" in names:
            single.pop(names["content-type"], None)
        result: dict[str, Any] = {
            "statusCode": response.status_code,
            "headers": single,
            "multiValueHeaders": several,
        }
        write_body(result, response, body, response.headers.get, is_head)
        return result


def stage_prefix(event: dict[str, Any], path: str) -> str:
    """`/{stage}` where the caller's URL has it: `requestContext.path` is then that and the path."""
    context = event["requestContext"]
    stage, full = context.get("stage"), context.get("path")
    if stage and full in (f"/{stage}{path}", f"/{stage}{path.rstrip('/')}"):
        return f"/{stage}"
    return ""


REST_API = RestApiIngress()
