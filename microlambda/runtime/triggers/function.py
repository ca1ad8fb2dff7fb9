"""`@app.lambda_function`: a Lambda function without a trigger, called by its name."""

from __future__ import annotations

from .asynchronous import AsyncOptions
from .base import Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class FunctionTrigger(Trigger):
    """No trigger, but what is to become of asynchronous calls that fail."""

    decorator = source = "lambda_function"
    is_by_name = True
    has_events = False

    def __init__(self, **options: Any) -> None:
        self.asynchronous = AsyncOptions(self.decorator, **options)
