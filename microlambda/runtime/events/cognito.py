"""A moment in the flows of a Cognito user pool; the handler answers the event, its `response` filled in.

https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
"""

from __future__ import annotations

from .base import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class CognitoEvent(Event):
    """What Cognito asks. `response` is what it is told: change it in place, and `return event`."""

    __slots__ = ()

    @property
    def trigger_source(self) -> str:
        """The moment: `PreSignUp_AdminCreateUser`, `TokenGeneration_HostedAuth`..."""
        source: str = self._raw["triggerSource"]
        return source

    @property
    def user_pool_id(self) -> str:
        """The pool: `eu-west-1_Abc123XYZ`."""
        pool: str = self._raw["userPoolId"]
        return pool

    @property
    def user_name(self) -> str | None:
        """The user's name in the pool."""
        return self._raw.get("userName")

    @property
    def region(self) -> str | None:
        """The pool's region."""
        return self._raw.get("region")

    @property
    def version(self) -> str | None:
        """The version of the event's form: "1", of token triggers "2" and "3", too."""
        version = self._raw.get("version")
        return None if version is None else str(version)

    @property
    def caller_context(self) -> dict[str, Any]:
        """The SDK and the app client by which the user came."""
        return self._raw.get("callerContext") or {}

    @property
    def client_id(self) -> str | None:
        """The app client."""
        return self.caller_context.get("clientId")

    @property
    def request(self) -> dict[str, Any]:
        """What Cognito knows at this moment; each trigger's has keys of its own."""
        return self._raw.get("request") or {}

    @property
    def user_attributes(self) -> dict[str, Any]:
        """The user's attributes by name; empty where the moment has none."""
        return self.request.get("userAttributes") or {}

    @property
    def response(self) -> dict[str, Any]:
        """What Cognito is told; the part of the event that a handler changes."""
        response: dict[str, Any] | None = self._raw.get("response")
        if response is None:
            response = self._raw["response"] = {}
        return response

    def _cloudevent(self) -> dict[str, Any]:
        from datetime import UTC, datetime
        from uuid import uuid4

        suffix = "amazonaws.com.cn" if str(self.region).startswith("cn-") else "amazonaws.com"
        return {
            # The event has no id of its own; that of the invocation stays the same when it is retried.
            "id": getattr(self._context, "aws_request_id", None) or str(uuid4()),
            # The issuer of the pool's tokens: the event does not say the account, which an ARN would need.
            "source": f"https://cognito-idp.{self.region}.{suffix}/{self.user_pool_id}",
            "type": f"com.amazonaws.cognito.{self.trigger_source}",
            "subject": self.user_name,
            # Nor a time, and Cognito waits for the answer: it is of now, as CloudEvents allow.
            "time": datetime.now(UTC),
            "data": self._raw,
        }

    def _label(self) -> str:
        return f"{self.trigger_source} of {self.user_pool_id!r}"
