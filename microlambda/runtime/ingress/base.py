"""What every adapter can do: read an event as a request, and write a response as that gateway's answer."""

from __future__ import annotations

from ..errors import BadRequest
from ..http.binary import as_base64, as_text, is_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ..http.request import Request
    from ..http.response import Response

_Request: type[Request] | None = None


class Ingress:
    """One gateway's event shape. `name` is the word that settings and commands use for it.

    `streams` tells whether the gateway can pass an answer on in pieces, and `limit` how many bytes
    of JSON an answer may have: Lambda's own limit, unless the gateway's is lower.
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """

    name = ""
    streams = False
    limit = 6_291_556
    forwards_scheme = True  # it writes X-Forwarded-Proto over what was sent
    keeps_escapes = True  # its path is as the caller sent it

    def __init__(self) -> None:
        # Each event asks for these, and the class's attributes are slower to reach through an instance.
        self.streams = self.streams
        self.forwards_scheme = self.forwards_scheme
        self.keeps_escapes = self.keeps_escapes

    if TYPE_CHECKING:

        def place(self, event: dict[str, Any]) -> tuple[str, str, str]:
            """The method, the decoded path, and what stands in front of the path: the `root_path`."""

        def to_result(self, response: Response, body: str | bytes, is_head: bool) -> dict[str, Any]:
            """The answer in the shape that this gateway takes."""

        def plain_result(
            self, fields: Iterable[tuple[str, str]], values: dict[str, str], body: str
        ) -> dict[str, Any] | None:
            """What `to_result` makes of a 200 with a text as body whose fields come once, cookies aside.

            `values` are those of the fields by names in lower case. None where that is no shorter way.
            """

        def query(self, event: dict[str, Any]) -> Iterable[tuple[str, str]]:
            """The decoded pairs of the query."""

        def client_address(self, event: dict[str, Any]) -> str | None:
            """The client's address as the gateway saw it."""

    def to_request(self, event: dict[str, Any], context: Any) -> Request:
        """The request that the event stands for; parts of it are read when a view asks for them."""
        global _Request  # loaded when the first is asked for, which mounted applications rarely do
        if _Request is None:
            from ..http.request import Request

            _Request = Request
        return _Request(self, event, context, *self.place(event))

    def headers(self, event: dict[str, Any]) -> list[tuple[str, str]]:
        """The header fields in order."""
        return list((event.get("headers") or {}).items())

    def query_string(self, event: dict[str, Any]) -> str:
        """The query as it stands in a URL; encoded anew where the gateway gives it decoded only."""
        pairs = self.query(event)
        if not pairs:
            return ""
        from ..percent import quote

        return "&".join(f"{quote(key, '')}={quote(value, '')}" for key, value in pairs)

    def cookies(self, event: dict[str, Any]) -> list[str]:
        """The Cookie headers."""
        return [value for name, value in self.headers(event) if name.lower() == "cookie"]

    def body(self, event: dict[str, Any]) -> bytes:
        """The body as it was sent; `BadRequest` for one that is said to be base64 and is not."""
        body = event.get("body")
        if not body:
            return b""
        if not event.get("isBase64Encoded"):
            return str(body).encode("utf-8", "surrogatepass")
        import binascii

        try:
            return binascii.a2b_base64(body, strict_mode=True)
        except ValueError as exc:
            raise BadRequest(f"the body is said to be base64 and is not: {exc}") from exc

    def scheme(self, event: dict[str, Any]) -> str:
        """How the caller reached the gateway, which writes X-Forwarded-Proto over what was sent."""
        return "http" if self._header(event, "x-forwarded-proto") == "http" else "https"

    def host(self, event: dict[str, Any]) -> str:
        """The host, and the port if it is not the scheme's, that the caller asked for."""
        domain = event["requestContext"].get("domainName")
        return self._header(event, "host") or domain or "localhost"

    def _header(self, event: dict[str, Any], name: str) -> str | None:
        """The last value of a header, its name in lower case."""
        found = [value for field, value in self.headers(event) if field.lower() == name]
        return found[-1] if found else None


def first_values(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The first value of each field, by names in lower case."""
    return {name.lower(): value for name, value in reversed([*fields])}


def write_body(
    result: dict[str, Any],
    response: Response,
    body: str | bytes,
    get: Callable[[str], str | None],
    is_head: bool,
) -> None:
    """Put the body into the result: as text where it is text, else as base64 (wire-format: answers)."""
    result["isBase64Encoded"] = False
    if is_head or response.status_code in (204, 304):
        result["body"] = ""
        return
    if get("content-encoding"):
        _write_base64(result, body)
    elif type(body) is str:
        result["body"] = body
    else:
        text = as_text(body) if is_text(get("content-type") or "") else None  # type: ignore[arg-type]  # bytes here
        if text is None:
            _write_base64(result, body)
        else:
            result["body"] = text


def _write_base64(result: dict[str, Any], body: str | bytes) -> None:
    result["body"] = as_base64(body.encode() if isinstance(body, str) else body)
    result["isBase64Encoded"] = True
