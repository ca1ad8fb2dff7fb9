"""API Gateway HTTP APIs with payload 1.0: a REST API's maps and answers, an HTTP API's path.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

from .http_api import split_stage
from .rest_api import RestApiIngress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class HttpApi1Ingress(RestApiIngress):
    """`path` is decoded already, as payload 2.0's `rawPath` is."""

    name = "http-api-1.0"
    keeps_escapes = False
    streams = False

    def place(self, event: dict[str, Any]) -> tuple[str, str, str]:
        """The `root_path` is a named stage."""
        root_path, path = split_stage(event["requestContext"], event.get("path") or "/")
        return event["httpMethod"], path, root_path


HTTP_API_1 = HttpApi1Ingress()
