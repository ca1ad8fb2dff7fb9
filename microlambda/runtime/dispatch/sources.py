"""Which handler an event of AWS is for, where the function's environment does not say."""

from __future__ import annotations

from contextvars import copy_context

from ..errors import UnknownEvent
from ..events import source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..app import App
    from .handler import Handler


def dispatch_event(app: App, event: Any, context: Any) -> Any:
    """The result of the one handler that the event is for; `UnknownEvent` where there is none, or several."""
    if app.managed is not None and (result := app.managed(app, event, context)) is not None:
        return result
    handlers = [handler for handler in app.handlers.values() if not handler.trigger.is_by_name]
    meant = chosen(handlers, event)
    if not meant:
        raise UnknownEvent(not_meant(handlers, event))
    if len(meant) > 1 and any(one.trigger.make_event(event, context) is not None for one in meant):
        names = " and ".join(repr(handler.name) for handler in meant)
        raise UnknownEvent(
            f"this event of {source_of(event)} is for {names}, and nothing in it says for which. Give each "
            "a function of its own, with MICROLAMBDA_HANDLER in its environment."
        )
    app.is_serving = True
    return copy_context().run(meant[0].run, app, event, context)


def chosen(handlers: Iterable[Handler], event: Any) -> list[Handler]:
    """The handlers that the event is for: those of its own source, else those that ask the event itself.

    Of several it is for those that it suits best: a schedule's name tells whose it is.
    """
    source = source_of(event)
    meant = [one for one in handlers if one.trigger.is_inferred and is_for(one, event, source)]
    own = [handler for handler in meant if not handler.trigger.is_fallback]
    if len(own) > 1:
        suits = [handler.trigger.prefers(event) for handler in own]
        own = [handler for handler, how_well in zip(own, suits, strict=True) if how_well == max(suits)]
    return own or meant[:1]


def is_for(handler: Handler, event: Any, source: str | None) -> bool:
    """Is the event, of that source, for this handler? One whose parts are not what AWS sends is for none."""
    try:
        return handler.trigger.handles(event, source)
    except (AttributeError, IndexError, KeyError, TypeError):
        return False


def not_meant(handlers: Iterable[Handler], event: Any, *, is_bound: bool = False) -> str:
    """Why no handler is run, and what is declared; a function that is bound to one takes no requests."""
    declared = [f"{handler.name!r}, {handler.trigger.declared()}" for handler in handlers]
    known = f"Declared: {'; '.join(declared)}." if declared else "The app declares no handler of such events."
    source = source_of(event)
    if source is None:
        from .failures import shape_of, unknown_event

        shape = f"this event has {shape_of(event)}, by which no source is known."
        return f"{shape if is_bound else unknown_event(event)} {known}"
    origin = _origin(event)
    return f"this event of {source}{f' ({origin})' if origin else ''} is for no handler. {known}"


def _origin(event: dict[str, Any]) -> str | None:
    """The ARN or the name of what sent it."""
    records = event.get("Records")
    first = records[0] if isinstance(records, list) and records else event
    for keys in _ORIGINS:
        value = first
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, str):
            return value
    return None


#: Where events say what they come from, by key within key.
_ORIGINS = (
    ("eventSourceARN",),
    ("eventSourceArn",),
    ("Sns", "TopicArn"),
    ("s3", "bucket", "name"),
    ("alarmArn",),
    ("deliveryStreamArn",),
    ("triggerSource",),
    ("requestContext", "routeKey"),
    ("microlambda", "task"),
    ("source",),
)
