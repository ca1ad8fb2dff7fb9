"""`@app.lambda_function`: a Lambda function without a trigger, called by its name."""

from __future__ import annotations

from .asynchronous import AsyncOptions
from .base import Trigger, as_json, check_has_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App


class FunctionTrigger(Trigger):
    """No trigger, but what is to become of asynchronous calls that fail."""

    decorator = source = "lambda_function"
    is_by_name = True
    has_events = False

    def __init__(self, **options: Any) -> None:
        self.asynchronous = AsyncOptions(self.decorator, **options)

    def result(self, app: App, handler: str, event: Any, value: Any) -> Any:  # noqa: ARG002  # the base's
        """The answer as JSON has it, by the app's own encoder; bytes stay, as AWS's client sends them."""
        check_has_run(handler, value)
        return value if isinstance(value, bytes) else as_json(app, handler, value)
