"""Lambda Function URLs: payload 2.0 as on HTTP APIs, but for the path.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

from .http_api import HttpApiIngress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..http.request import Request


class FunctionUrlIngress(HttpApiIngress):
    """`rawPath` is still percent-encoded here: it is decoded once."""

    name = "function-url"
    streams = True

    def to_request(self, event: dict[str, Any], context: Any) -> Request:
        """The request, its path decoded."""
        request = super().to_request(event, context)
        if "%" in request.path:
            from ..percent import unquote

            request.path = unquote(request.path)
        return request


FUNCTION_URL = FunctionUrlIngress()
