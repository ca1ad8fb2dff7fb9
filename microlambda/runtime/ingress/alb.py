"""Application Load Balancers with a Lambda function as target, with and without multi-value headers.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

from __future__ import annotations

from ..percent import unquote, unquote_plus
from .rest_api import RestApiIngress
from .single_valued import completed, single_valued

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..http.response import Response


class AlbIngress(RestApiIngress):
    """A target group with plain headers. The load balancer decodes neither the path nor the query."""

    name = "alb"
    streams = False
    limit = 1_048_576

    def place(self, event: dict[str, Any]) -> tuple[str, str, str]:
        """The path is decoded once."""
        return event["httpMethod"], unquote(event.get("path") or "/"), ""

    def query(self, event: dict[str, Any]) -> Iterable[tuple[str, str]]:
        """The pairs, decoded here."""
        return [(unquote_plus(key), unquote_plus(value)) for key, value in super().query(event)]

    def query_string(self, event: dict[str, Any]) -> str:
        """The pairs as the caller encoded them."""
        return "&".join(f"{key}={value}" for key, value in super().query(event))

    def client_address(self, event: dict[str, Any]) -> str | None:
        """The last hop of X-Forwarded-For, which the load balancer appends; health checks have none."""
        hop = (self._header(event, "x-forwarded-for") or "").rpartition(",")[2].strip()
        if hop.startswith("["):  # "[2001:db8::1]:47001": the client's port is kept, if so configured
            return hop[1:].partition("]")[0]
        return (hop.partition(":")[0] if hop.count(":") == 1 else hop) or None

    def plain_result(self, fields: Any, values: Any, body: str) -> None:
        """None: there is more to an answer than its fields and body."""

    def to_result(self, response: Response, body: str | bytes, is_head: bool) -> dict[str, Any]:
        """Each header once."""
        return single_valued(response, body, is_head)


class AlbMultiValueIngress(AlbIngress):
    """A target group with multi-value headers: it takes those in answers, too, and no others."""

    name = "alb-multi-value"

    def to_result(self, response: Response, body: str | bytes, is_head: bool) -> dict[str, Any]:
        """Every header as a list."""
        headers: dict[str, list[str]] = {}
        names: dict[str, str] = {}
        for field, value in response.headers:
            headers.setdefault(names.setdefault(field.lower(), field), []).append(value)
        if response.status_code in (204, 304):
            headers.pop(names.get("content-type", ""), None)
        return completed({"multiValueHeaders": headers}, response, body, is_head)


ALB = AlbIngress()
ALB_MULTI_VALUE = AlbMultiValueIngress()
