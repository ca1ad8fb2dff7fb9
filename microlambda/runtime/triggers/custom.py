"""`@app.on(predicate)`: events that no other decorator knows."""

from __future__ import annotations

from ..awaiting import named
from ..errors import RegistrationError
from ..events.custom import CustomEvent
from .base import Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class CustomTrigger(Trigger):
    """Asks a function of the user's whether an event is for it."""

    decorator = "on"
    source = "custom"
    event_class = CustomEvent
    is_fallback = True

    def __init__(self, predicate: Callable[[dict[str, Any]], object]) -> None:
        if not callable(predicate):
            raise RegistrationError(
                f"on({predicate!r}) takes a function: write @app.on(lambda event: 'jobId' in event)."
            )
        self.predicate = predicate

    def handles(self, event: dict[str, Any], source: str | None) -> bool:  # noqa: ARG002  # of any source
        """Whatever the predicate says; one that raises, as on an event of another shape, says no."""
        return bool(self.predicate(event))

    def declared(self) -> str:
        """With the predicate and its place."""
        return f"@app.on({named(self.predicate)})"
