"""The tuples that views return: a body with a status, headers, or both."""

from __future__ import annotations

from .response import Response, checked_status, make_response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def from_tuple(value: tuple[Any, ...]) -> Response:
    """`(body, status)`, `(body, headers)` or `(body, status, headers)`; None leaves one out."""
    status = headers = None
    if len(value) == 3:
        body, status, headers = value
    elif len(value) == 2 and isinstance(value[1], (int, str)):
        body, status = value
    elif len(value) == 2:
        body, headers = value
    else:
        from .refused import no_tuple

        raise no_tuple(value)
    response = body.copy() if isinstance(body, Response) else make_response(body)
    if status is not None:
        response.status_code = checked_status(status)
    if headers:
        response.headers.update(_pairs(headers))
    return response


def _pairs(headers: Any) -> Any:
    if hasattr(headers, "items"):
        return headers
    try:
        return [(name, value) for name, value in headers]
    except (TypeError, ValueError) as exc:
        from .refused import no_headers

        raise no_headers(headers) from exc
