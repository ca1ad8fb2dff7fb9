"""API Gateway HTTP APIs, payload 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

from os import environ

from .base import Ingress, write_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..http.response import Response


class HttpApiIngress(Ingress):
    """`rawPath` is decoded already: decoding it again would turn `/f/%2541` into `/f/A`."""

    name = "http-api"
    keeps_escapes = False

    def place(self, event: dict[str, Any]) -> tuple[str, str, str]:
        """The `root_path` is a named stage, or a custom domain's base path."""
        request_context = event["requestContext"]
        root_path, path = split_stage(request_context, event.get("rawPath") or "/")
        return request_context["http"]["method"], path, root_path

    def headers(self, event: dict[str, Any]) -> list[tuple[str, str]]:
        """Repeated ones are joined by commas; the cookies stand in a list of their own."""
        fields = [item for item in (event.get("headers") or {}).items() if item[0] != "cookie"]
        cookies = self.cookies(event)
        if cookies:
            fields.append(("cookie", "; ".join(cookies)))
        return fields

    def query(self, event: dict[str, Any]) -> Iterable[tuple[str, str]]:
        """From `rawQueryString`: in the map, repeated keys are joined by commas."""
        from ..percent import query_pairs

        return query_pairs(self.query_string(event))

    def query_string(self, event: dict[str, Any]) -> str:
        """As the caller sent it."""
        return event.get("rawQueryString") or ""

    def cookies(self, event: dict[str, Any]) -> list[str]:
        """`cookies`, else the Cookie header: a Function URL sends both, with the same content."""
        listed: list[str] | None = event.get("cookies")
        if listed:
            return listed
        header = (event.get("headers") or {}).get("cookie")
        return [header] if header else []

    def client_address(self, event: dict[str, Any]) -> str | None:
        """`requestContext.http.sourceIp`."""
        address: str | None = event["requestContext"]["http"].get("sourceIp")
        return address

    def plain_result(
        self,
        fields: Iterable[tuple[str, str]],  # noqa: ARG002  # the base class's signature
        values: dict[str, str],
        body: str,
    ) -> dict[str, Any] | None:
        """The same as `to_result` of such an answer."""
        return {"statusCode": 200, "headers": values, "isBase64Encoded": False, "body": body}

    def to_result(self, response: Response, body: str | bytes, is_head: bool) -> dict[str, Any]:
        """Headers of one name are joined by `, `; cookies go into a list of their own."""
        fields = list(response.headers)
        headers = {name.lower(): value for name, value in fields}
        cookies: list[str] = []
        if len(headers) != len(fields) or "set-cookie" in headers:
            headers, cookies = _joined(fields)
        if response.status_code in (204, 304):
            headers.pop("content-type", None)
        result: dict[str, Any] = {
            "statusCode": response.status_code,
            "headers": headers,
        }
        if cookies:
            result["cookies"] = cookies
        write_body(result, response, body, headers.get, is_head)
        return result


def _joined(fields: Iterable[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """The fields by name, and the cookies."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for field, value in fields:
        name = field.lower()
        if name == "set-cookie":
            cookies.append(value)
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers, cookies


def split_stage(request_context: dict[str, Any], path: str) -> tuple[str, str]:
    """A named stage or a custom domain's base path, whole segments only, and the path behind it."""
    front = f"/{request_context.get('stage') or '$default'}"
    if front == "/$default" or not f"{path}/".startswith(f"{front}/"):
        if ".execute-api." in str(request_context.get("domainName")):
            return "", path
        front = environ.get("MICROLAMBDA_BASE_PATH", "")
        if not f"{path}/".startswith(f"{front}/"):
            return "", path
    return front, path[len(front) :] or "/"


HTTP_API = HttpApiIngress()
