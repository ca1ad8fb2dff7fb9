"""Lambda Function URLs: payload 2.0 as on HTTP APIs, but for the path.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

from .http_api import HttpApiIngress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class FunctionUrlIngress(HttpApiIngress):
    """`rawPath` is still percent-encoded here: it is decoded once."""

    name = "function-url"
    keeps_escapes = True
    streams = True

    def place(self, event: dict[str, Any]) -> tuple[str, str, str]:
        """The path is decoded."""
        method, path, root_path = super().place(event)
        if "%" in path:
            from ..percent import unquote

            path = unquote(path)
        return method, path, root_path


FUNCTION_URL = FunctionUrlIngress()
