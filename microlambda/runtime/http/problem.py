"""An HTTP error as the document that describes it (RFC 9457)."""

from __future__ import annotations

from .response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..errors import HTTPException


def problem(error: HTTPException) -> Response:
    """`application/problem+json` with the error's members and headers; the answer that `abort` was given."""
    if error.response is not None:
        response: Response = error.response.copy()
        return response
    return Response(
        error.problem,
        status_code=error.status_code,
        headers=error.headers,
        mimetype="application/problem+json",
    )
