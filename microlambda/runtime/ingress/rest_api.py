"""API Gateway REST APIs, Lambda proxy integration, payload 1.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

from .base import Ingress, first_values, write_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..http.response import Response


class RestApiIngress(Ingress):
    """`path` is still percent-encoded; headers and query come in two maps, either of which may be null."""

    name = "rest-api"
    streams = True

    def place(self, event: dict[str, Any]) -> tuple[str, str, str]:
        """The path is decoded once; the `root_path` is what stands in front of the resource."""
        try:
            path, context = event["path"], event["requestContext"]
            if "%" not in path:
                full, root_path = context["path"], f"/{context['stage']}"
                if full == root_path + path:  # nearly always
                    return event["httpMethod"], path, root_path
                # behind a custom domain; a base path would stand in front of both
                if full == path and path == f"/{event['pathParameters']['proxy']}":
                    return event["httpMethod"], path, ""
        except (KeyError, TypeError):  # an event by hand
            pass
        path = event.get("path") or "/"
        if path == "/" or path == f"/{(event.get('pathParameters') or {}).get('proxy')}":
            root_path = stage_prefix(event, path)
            if "%" in path:
                from ..percent import unquote

                path = unquote(path)
        else:
            from .base_path import split_base_path

            root_path, path = split_base_path(event, path)
        return event["httpMethod"], path, root_path

    def headers(self, event: dict[str, Any]) -> list[tuple[str, str]]:
        """From `multiValueHeaders`, else `headers`."""
        several = event.get("multiValueHeaders")
        if several:
            return [(name, value) for name, values in several.items() for value in values]
        return super().headers(event)

    def query_string(self, event: dict[str, Any]) -> str:
        """Encoded anew."""
        if event.get("multiValueQueryStringParameters") or event.get("queryStringParameters"):
            return super().query_string(event)
        return ""

    def query(self, event: dict[str, Any]) -> Iterable[tuple[str, str]]:
        """From `multiValueQueryStringParameters`, already decoded, else `queryStringParameters`."""
        several = event.get("multiValueQueryStringParameters")
        if several:
            return [(key, value) for key, values in several.items() for value in values]
        return (event.get("queryStringParameters") or {}).items()

    def client_address(self, event: dict[str, Any]) -> str | None:
        """`requestContext.identity.sourceIp`."""
        try:
            return event["requestContext"]["identity"]["sourceIp"]  # type: ignore[no-any-return]  # a str or null
        except (KeyError, TypeError):  # by hand
            return None

    def plain_result(
        self,
        fields: Iterable[tuple[str, str]],
        values: dict[str, str],  # noqa: ARG002  # the base class's signature
        body: str,
    ) -> dict[str, Any] | None:
        """The same as `to_result` of such an answer."""
        return {
            "statusCode": 200,
            "headers": dict(fields),
            "multiValueHeaders": {},
            "isBase64Encoded": False,
            "body": body,
        }

    def to_result(self, response: Response, body: str | bytes, is_head: bool) -> dict[str, Any]:
        """One value of a name goes into `headers`, several into `multiValueHeaders`."""
        fields = list(response.headers)
        values = {name.lower(): value for name, value in fields}
        if len(values) == len(fields):
            single = dict(fields)
            several: dict[str, list[str]] = {}
        else:
            values = first_values(fields)
            single, several = _split(fields)
        status = response.status_code
        if status in (204, 304) and "content-type" in values:
            single = {name: value for name, value in single.items() if name.lower() != "content-type"}
        result: dict[str, Any] = {"statusCode": status, "headers": single, "multiValueHeaders": several}
        write_body(result, response, body, values.get, is_head)
        return result


def _split(fields: Iterable[tuple[str, str]]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Names with one value, and those with several."""
    single: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for field, value in fields:
        name = names.setdefault(field.lower(), field)
        if name in several:
            several[name].append(value)
        elif name in single:
            several[name] = [single.pop(name), value]
        else:
            single[name] = value
    return single, several


def stage_prefix(event: dict[str, Any], path: str) -> str:
    """`/{stage}` where the caller's URL has it: `requestContext.path` is then that and the path."""
    context = event["requestContext"]
    stage, full = context.get("stage"), context.get("path")
    if not stage or full == path:
        return ""
    prefix = f"/{stage}"
    return prefix if full == prefix + path or full == prefix + path.rstrip("/") else ""


REST_API = RestApiIngress()
