"""A request to an AWS API as the front sees it, and answers in the form of Lambda's (REST and JSON)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed.wsgi import StartResponse

_REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
}


@dataclass(frozen=True, kw_only=True)
class AwsRequest:
    """Method, path, query and signature of a request; `service` and `region` are empty if unsigned."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    service: str
    region: str
    environ: Mapping[str, Any]

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> AwsRequest:
        """Read a WSGI request, but for its body."""
        service, region = _signed_for(environ.get("HTTP_AUTHORIZATION", ""))
        return cls(
            method=environ["REQUEST_METHOD"],
            path=environ.get("PATH_INFO", ""),
            query=parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True),
            service=service,
            region=region,
            environ=environ,
        )

    def argument(self, name: str) -> str | None:
        """A value of the query."""
        values = self.query.get(name)
        return values[0] if values and values[0] else None

    def header(self, name: str) -> str | None:
        """A header's value."""
        value: str | None = self.environ.get(f"HTTP_{name.upper().replace('-', '_')}")
        return value

    def body(self) -> bytes:
        """The body, which can be read once."""
        stream = self.environ["wsgi.input"]
        pieces = []
        while piece := stream.read(1 << 20):
            pieces.append(piece)
        return b"".join(pieces)


@dataclass(frozen=True, kw_only=True)
class AwsAnswer:
    """An answer, ready to be sent."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_json(cls, document: Any, *, status: int = 200) -> AwsAnswer:
        """Answer with a JSON document."""
        return cls(status=status, body=json.dumps(document).encode())

    @classmethod
    def error(cls, status: int, kind: str, message: str) -> AwsAnswer:
        """Answer with an error as Lambda words it."""
        body = json.dumps({"Type": "User", "Message": message, "message": message}).encode()
        return cls(status=status, body=body, headers=(("x-amzn-ErrorType", kind),))

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a WSGI server."""
        headers = [*self.headers]
        if self.body:
            headers.append(("Content-Type", "application/json"))
        start_response(f"{self.status} {_REASONS.get(self.status, 'Unknown')}", headers)
        return [self.body]


def _signed_for(authorization: str) -> tuple[str, str]:
    """Service and region of a Signature Version 4: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`."""
    _, _, credential = authorization.partition("Credential=")
    parts = credential.partition(",")[0].strip().split("/")
    return (parts[3], parts[2]) if len(parts) == 5 else ("", "")
