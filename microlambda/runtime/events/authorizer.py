"""The question to an authorizer: may this caller in?

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

from __future__ import annotations

from .base import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..http.request import Request


class AuthRequest(Event):
    """A request that waits: its `token`, and all of it in `request`, unless there is the token alone.

    `method_arn` names the API, the stage, the method and the path: what a policy is about.
    """

    __slots__ = ("_request", "_token")

    def __init__(
        self,
        raw: dict[str, Any],
        context: Any = None,
        request: Request | None = None,
        token: str | None = None,
    ) -> None:
        super().__init__(raw, context)
        self._request = request
        self._token = token

    @property
    def token(self) -> str:
        """The first identity source, as it was sent: a header is `Bearer ...`; empty where there is none."""
        return self._token or ""

    @property
    def method_arn(self) -> str:
        """`arn:aws:execute-api:{region}:{account}:{api}/{stage}/{method}/{path}`."""
        arn: str = self._raw.get("methodArn") or self._raw.get("routeArn") or ""
        return arn

    @property
    def auth_type(self) -> str:
        """TOKEN or REQUEST (Chalice's name)."""
        kind: str = self._raw["type"]
        return kind

    @property
    def method(self) -> str:
        """The request's method."""
        return self._request.method if self._request is not None else self._asked[0]

    @property
    def path(self) -> str:
        """The request's path; of a token alone as the ARN has it."""
        return self._request.path if self._request is not None else f"/{self._asked[1]}"

    @property
    def _asked(self) -> tuple[str, str]:
        parts = self.method_arn.split("/", 3)
        return (parts[2], parts[3] if len(parts) > 3 else "") if len(parts) > 2 else ("", "")

    @property
    def request(self) -> Request | None:
        """The request; None where the API hands over the token alone."""
        return self._request

    @property
    def http_request(self) -> Request | None:
        """The same: it is what `microlambda.request` stands for."""
        return self._request

    @property
    def headers(self) -> Any:
        """The request's header fields; none where the API hands over the token alone."""
        return self._request.headers if self._request is not None else {}

    @property
    def args(self) -> Any:
        """The request's query; empty where the API hands over the token alone."""
        return self._request.args if self._request is not None else {}

    def _label(self) -> str:
        return f"{self.auth_type} for {self.method} {self.path}"
