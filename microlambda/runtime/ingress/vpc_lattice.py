"""VPC Lattice services with a Lambda function as target, event structure version 2.

https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
"""

from __future__ import annotations

from ..percent import query_pairs, unquote
from .base import Ingress
from .single_valued import single_valued

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..http.response import Response


class VpcLatticeIngress(Ingress):
    """`path` has the query behind it; the values of headers and query are lists, or strings."""

    name = "vpc-lattice"
    forwards_scheme = False

    def place(self, event: dict[str, Any]) -> tuple[str, str, str]:
        """`path` up to the query is decoded once."""
        path = (event.get("path") or "/").partition("?")[0]
        return event["method"], unquote(path) or "/", ""

    def headers(self, event: dict[str, Any]) -> list[tuple[str, str]]:
        """Each value as a field of its own."""
        return _pairs(event.get("headers"))

    def query(self, event: dict[str, Any]) -> Iterable[tuple[str, str]]:
        """The pairs behind `path`, which are as the caller sent them; else those of the map."""
        raw = (event.get("path") or "").partition("?")[2]
        return query_pairs(raw) if raw else _pairs(event.get("queryStringParameters"))

    def query_string(self, event: dict[str, Any]) -> str:
        """As the caller sent it; encoded anew where `path` lacks it."""
        return (event.get("path") or "").partition("?")[2] or super().query_string(event)

    def scheme(self, event: dict[str, Any]) -> str:  # noqa: ARG002  # the base class's signature
        """`https`: the event does not tell, and an X-Forwarded-Proto in it is the caller's own."""
        return "https"

    def client_address(self, event: dict[str, Any]) -> None:
        """None: the event names the caller's VPC and identity, and no address that can be trusted."""

    def plain_result(self, fields: Any, values: Any, body: str) -> None:
        """None: there is more to an answer than its fields and body."""

    def to_result(self, response: Response, body: str | bytes, is_head: bool) -> dict[str, Any]:
        """Each header once."""
        return single_valued(response, body, is_head)


def _pairs(fields: dict[str, Any] | None) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, values in (fields or {}).items()
        for value in (values if isinstance(values, list) else (values,))
    ]


VPC_LATTICE = VpcLatticeIngress()
