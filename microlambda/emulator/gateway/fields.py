"""Header fields on their way in: what a gateway drops, adds and joins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microlambda.emulator.gateway.api import Call

# RFC 9110, 7.6.1: these belong to one connection, not to the message. A gateway reads the body itself.
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
    )
)


def forwarded_fields(call: Call) -> list[tuple[str, str]]:
    """The request's fields as every gateway passes them on: hop-by-hop ones out, its own ones in.

    The caller's address is appended to X-Forwarded-For, so the first hop is whatever the caller wrote;
    protocol and port are the gateway's own word. A trace id that the caller sent is kept, as X-Ray needs.
    """
    request = call.request
    named_by_connection = {
        name.strip().lower() for value in request.values("connection") for name in value.split(",")
    }
    own = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id"}
    dropped = HOP_BY_HOP | named_by_connection | own
    fields = [(name, as_text(value)) for name, value in request.headers if name.lower() not in dropped]
    if request.body and request.header("content-length") is None:
        fields.append(
            ("Content-Length", str(len(request.body)))
        )  # it came in chunks, which the gateway gathered
    hops = [*request.values("x-forwarded-for"), request.client_address]
    return [
        *fields,
        ("X-Amzn-Trace-Id", trace_id(call)),
        ("X-Forwarded-For", ", ".join(hops)),
        ("X-Forwarded-Port", call.port),
        ("X-Forwarded-Proto", request.scheme),
    ]


def trace_id(call: Call) -> str:
    """The trace that the call belongs to: the caller's, or a new one."""
    return call.request.header("x-amzn-trace-id") or call.trace_id


def joined_fields(fields: list[tuple[str, str]]) -> dict[str, str]:
    """Names in lower case, repeated values joined by commas: the `headers` of payload 2.0."""
    joined: dict[str, str] = {}
    for name, value in fields:
        key = name.lower()
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    return joined


def joined_query(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The values of a repeated key joined by commas: the `queryStringParameters` of payload 2.0."""
    joined: dict[str, str] = {}
    for key, value in pairs:
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    return joined


def cookies_of(call: Call) -> list[str]:
    """The request's cookies, each as `name=value`."""
    pieces = [piece.strip() for value in call.request.values("cookie") for piece in value.split(";")]
    return [as_text(piece) for piece in pieces if piece]


def as_text(value: str) -> str:
    """Read a field's bytes as UTF-8 where they are that; JSON has no bytes."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
