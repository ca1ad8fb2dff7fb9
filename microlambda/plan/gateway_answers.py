"""The header fields that the answers of a gateway's own carry, so that pages can read what went wrong.

What the app answers carries its CORS headers by itself; these stand on what a REST API answers in its place:
a time-out, a body that is too large, a missing API key. Their values are fixed: of several origins the one
that asks cannot be named, and all are let in instead, without credentials. Such answers say nothing of the
app's.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microlambda.runtime.http.cors import CORS


def failure_fields(cors: CORS | None) -> dict[str, str]:
    """Give the fields for an app with this policy; none for one without."""
    if cors is None:
        return {}
    origin = _only_origin(cors)
    fields = {"Access-Control-Allow-Origin": origin or "*"}
    if origin is not None and cors.credentials:
        fields["Access-Control-Allow-Credentials"] = "true"
    if expose := [name for name in cors.expose if "'" not in name]:  # a static value stands in such quotes
        fields["Access-Control-Expose-Headers"] = ", ".join(expose)
    return fields


def _only_origin(cors: CORS) -> str | None:
    """Give the origin that is let in, where it is one and named in full, as browsers write it."""
    # str.__eq__ of an origin, the method of a compiled pattern, or a function of ours
    named = [getattr(matches, "__self__", None) for matches in cors._matchers]
    alone = not cors.allows_any and len(named) == 1
    return named[0] if alone and isinstance(named[0], str) else None
