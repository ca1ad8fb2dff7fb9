"""`@app.schedule`.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import json

from ..errors import RegistrationError
from ..events.schedule import ScheduleEvent
from .asynchronous import AsyncOptions
from .base import Trigger, checked_flag, refuse
from .expressions import At, Expression, parsed
from .rules import checked_description, likeness

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App

_DECORATOR = "schedule"
#: An input transformer's template has 8,192 characters, of which the rest of the event needs some.
#: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html
_MOST_OF_A_RULE = 7_680
_MOST_OF_A_SCHEDULE = 250_000
_MOST_IN_EXPRESSION = 256


class ScheduleTrigger(Trigger):
    """One or several expressions, each of them a rule or a schedule of its own."""

    decorator = source = _DECORATOR
    event_class = ScheduleEvent

    #: The handler's full name.
    handler = ""

    def __init__(
        self,
        *,
        expression: Any,
        description: str = "",
        tz: str | None = None,
        enabled: bool = True,
        input: Any = None,
        **options: Any,
    ) -> None:
        self.expressions = _checked_expressions(expression)
        self.description = checked_description(_DECORATOR, description)
        self.tz = self._checked_tz(tz)
        self.enabled = checked_flag(_DECORATOR, "enabled", enabled)
        self.input = self._checked_input(input)
        self.asynchronous = AsyncOptions(_DECORATOR, **options)

    @property
    def needs_scheduler(self) -> bool:
        """Is it for EventBridge Scheduler? Rules have no time zones and no single moments."""
        return self.tz is not None or any(one.needs_scheduler for one in self.expressions)

    def _checked_tz(self, tz: object) -> str | None:
        if tz is None:
            return None
        from .timezones import checked_zone

        for one in self.expressions:
            if isinstance(one, At) and one.has_offset:
                why = "a moment of the expression says its offset itself. Leave out one of them."
                raise refuse(_DECORATOR, "tz", tz, why)
        return checked_zone(_DECORATOR, tz)

    def _checked_input(self, value: Any) -> Any:
        """The input as JSON has it."""
        try:
            text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        except (TypeError, ValueError) as exc:
            raise refuse(_DECORATOR, "input", value, f"it is no JSON: {exc}.") from exc
        most = _MOST_OF_A_SCHEDULE if self.needs_scheduler else _MOST_OF_A_RULE
        if len(text) > most:
            raise RegistrationError(
                f"{_DECORATOR}(input=...): as JSON it has {len(text):,} characters; AWS takes {most:,}."
            )
        return json.loads(text)

    def for_handler(self, app: App, name: str) -> ScheduleTrigger:  # noqa: ARG002  # the base's
        """One that knows its handler's name, which events name."""
        named: ScheduleTrigger = self._named(name)
        return named

    def fits(self, event: dict[str, Any]) -> bool:
        """By the handler that the event names; one that names none, as of others' rules, may be anyone's."""
        due = ScheduleEvent(event)
        handler = due.detail.get("handler")
        return handler == self.handler if isinstance(handler, str) else isinstance(due.name, str)

    def prefers(self, event: dict[str, Any]) -> int:
        """By the name of the rule or schedule."""
        return likeness(ScheduleEvent(event).name, self.handler)

    def declared(self) -> str:
        """With the expressions."""
        texts = [str(one) for one in self.expressions]
        return f"@app.{_DECORATOR}({texts[0]!r})" if len(texts) == 1 else f"@app.{_DECORATOR}({texts!r})"


def _checked_expressions(given: Any) -> tuple[Expression, ...]:
    if isinstance(given, (str, Expression)) or not hasattr(given, "__iter__"):
        given = (given,)
    found = [one for each in given for one in _checked_expression(each)]
    if not found:
        raise refuse(_DECORATOR, "expression", given, "name a time: 'rate(10 minutes)'.")
    for place, one in enumerate(found):
        if one in found[:place]:
            raise RegistrationError(f"{_DECORATOR}(expression=...): {one} stands there twice.")
    return tuple(found)


def _checked_expression(given: Any) -> tuple[Expression, ...]:
    if isinstance(given, Expression):
        return (given,)
    if not isinstance(given, str):
        why = "write a str such as 'rate(10 minutes)', a Rate, Cron or At, or a list of them."
        raise refuse(_DECORATOR, "expression", given, why)
    try:
        expressions = parsed(given)
    except RegistrationError as exc:
        raise refuse(_DECORATOR, "expression", given, str(exc)) from None
    if any(len(str(one)) > _MOST_IN_EXPRESSION for one in expressions):
        why = f"AWS takes an expression of up to {_MOST_IN_EXPRESSION} characters."
        raise refuse(_DECORATOR, "expression", given, why)
    return expressions
