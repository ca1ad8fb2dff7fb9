"""Events of services that have no decorator of their own: Config, CodePipeline, Lex, Step Functions..."""

from __future__ import annotations

from .base import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class CustomEvent(Event):
    """Whatever was sent, read by key: `event["jobId"]`."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        return self._raw[key]

    def __contains__(self, key: object) -> bool:
        return key in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of the key, or `default`."""
        return self._raw.get(key, default)

    def keys(self) -> Any:
        """The keys, so that `dict(event)` works."""
        return self._raw.keys()

    def _cloudevent(self) -> dict[str, Any]:
        from uuid import uuid4

        request_id = getattr(self._context, "aws_request_id", None)
        function = getattr(self._context, "invoked_function_arn", None)
        return {
            "id": request_id or str(uuid4()),
            "source": function or "aws:lambda",
            "type": "com.amazonaws.lambda.invocation",
            "data": self._raw,
        }

    def _label(self) -> str:
        return f"with {', '.join(sorted(map(str, self._raw)))}"
