"""What every declaration of a trigger can do: check its words, know its events, take a handler's answer.

A trigger is made when its decorator is called, so that a mistake is an error while the module is imported. It
holds what the deployer needs (its own attributes), and what dispatch needs: whether an event is for it, and
what becomes of a handler's answer.
"""

from __future__ import annotations

import json

from ..context import PROPAGATE
from ..errors import EncodingError, RegistrationError, WrongAnswer
from ..events.base import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App
    from ..events.base import Record

#: How a handler of single records reports those that failed (wire-format: partial failures).
EACH = "each"  # run all, report each that failed: SQS
REST = "rest"  # stop at the first, report it and all behind it: FIFO queues
FIRST = "first"  # stop at the first, report it alone: Kinesis, DynamoDB; of each partition: Kafka
RAISE = "raise"  # run all, then fail the invocation: where no part of an event is retried


class Trigger:
    """What one decorator declares. `source` is the word for it in middleware, commands and tests."""

    decorator = ""
    source = ""
    #: What the handler gets, and what it gets where it takes one record.
    event_class: type[Event] = Event
    record_class: type[Record] | None = None
    is_per_record = False
    #: Does it look at the event itself, after all those that know their source?
    is_fallback = False
    #: Can its events be told by their shape? Those of others reach it by its function's own name alone.
    is_inferred = True
    #: Is it no trigger at all: a function that others call by its name, with `(event, context)`?
    is_by_name = False
    #: Does AWS send it events? Nobody but the app itself calls a task.
    has_events = True
    #: Does `microlambda event` print one of its events?
    has_sample = True
    #: Does it iterate what its handler answers?
    iterates_answers = False
    #: Lambda's own handling of asynchronous invocations (`AsyncOptions`), None where the source is none.
    asynchronous: Any = None

    def handles(self, event: dict[str, Any], source: str | None) -> bool:
        """Is the event, which is of that source by its shape, for this trigger?"""
        return source == self.source and self.fits(event)

    def fits(self, event: dict[str, Any]) -> bool:  # noqa: ARG002  # what each kind looks at
        """Is an event of its source from the resource that was declared?"""
        return True

    def shared_with(self, other: Any) -> str | None:  # noqa: ARG002  # as above
        """What this one and another of the same class would both get; None if nothing, or untold."""
        return None

    def prefers(self, event: dict[str, Any]) -> int:  # noqa: ARG002  # as above
        """How well an event that fits several triggers suits this one: the highest number gets it."""
        return 0

    def for_handler(self, app: App, name: str) -> Trigger:  # noqa: ARG002  # as above
        """The trigger for the handler of that full name in that app: itself, where the name says nothing."""
        return self

    def _named(self, handler: str) -> Any:
        """A copy that knows its handler's full name: a blueprint's trigger may have several."""
        mine = object.__new__(type(self))
        mine.__dict__.update(self.__dict__, handler=handler)
        return mine

    def declared(self) -> str:
        """The decorator as the user wrote it, as far as it tells where events come from."""
        return f"@app.{self.decorator}()"

    def make_event(self, raw: dict[str, Any], context: Any) -> Event | None:
        """The view for the handler; None for a message of the service's own, which is acknowledged."""
        return self.event_class(raw, context)

    def check_caller(self, event: Any) -> None:
        """Raise an HTTP error for an event that shows no sign of the authorizer that was to be asked."""

    def failure_mode(self, event: Any) -> str:  # noqa: ARG002  # as above
        """How failing records of this event are reported: EACH, REST, FIRST or RAISE."""
        return RAISE

    def result(self, app: App, handler: str, event: Any, value: Any) -> Any:  # noqa: ARG002  # as above
        """What Lambda is told of the answer; `WrongAnswer`, with the handler, for one that it cannot take.

        Here nobody but who calls by hand reads it: one that JSON cannot hold is logged, for the work is done.
        """
        try:
            return as_json(app, handler, value)
        except WrongAnswer as exc:
            if PROPAGATE.get():
                raise
            app.logger.error("%s It is left out.", exc)  # noqa: TRY400  # no bug of the code: one line says it all
            return None

    def failure(self, app: App, handler: str, event: Any, error: Exception) -> Any:  # noqa: ARG002  # as above
        """The result where the handler raised; None, as here, lets the error fail the invocation."""
        return None

    def order_of(self, record: Any) -> Any:  # noqa: ARG002  # as above
        """Which records must not overtake this one: those of the same value. By default all of an event."""
        return None

    def report(self, app: App, handler: str, event: Any, outcomes: list[Outcome]) -> Any:  # noqa: ARG002
        """What Lambda is told of the records of an event, each of which the handler was given alone.

        Here the first error is raised, after every record has had its turn: no part of an event can be
        retried.
        """
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
        return None


class Outcome:
    """What came of one record: the handler's `answer`, its `error`, or nothing where it was skipped."""

    __slots__ = ("answer", "error", "is_skipped", "record")

    def __init__(
        self, record: Any, *, answer: Any = None, error: Exception | None = None, is_skipped: bool = False
    ) -> None:
        self.record = record
        self.answer = answer
        self.error = error
        self.is_skipped = is_skipped


def _generator() -> Any:
    yield


async def _async_generator() -> Any:
    yield


#: Python's types for them, without importing types.
GENERATORS = (type(_generator()), type(_async_generator()))


def check_has_run(handler: str, value: Any) -> None:
    """Refuse a generator: nobody iterates what a handler of events answers, so none of its lines has run."""
    if type(value) in GENERATORS:
        raise WrongAnswer(
            f"the handler {handler!r} answered a generator, so nothing of it was run. Return instead."
        )


def as_json(app: App, handler: str, value: Any) -> Any:
    """The answer as JSON has it, by the app's own encoder; `WrongAnswer` for what it cannot hold."""
    if value is None or type(value) in (str, int, bool):
        return value
    try:
        return json.loads(app.json_encoder.dumps(value))
    except EncodingError as exc:
        raise WrongAnswer(f"the handler {handler!r} answered what JSON cannot hold: {exc}") from exc


# Words of the decorators, checked --------------------------------------------------------------------


def refuse(decorator: str, keyword: str, value: object, why: str) -> RegistrationError:
    """The error for a keyword's value, in the decorator's own words."""
    return RegistrationError(f"{decorator}({keyword}={value!r}): {why}")


def checked_int(decorator: str, keyword: str, value: object, least: int, most: int, what: str = "") -> int:
    """The value, an int from `least` to `most`."""
    if type(value) is not int or not least <= value <= most:
        unit = f" {what}" if what else ""
        raise refuse(decorator, keyword, value, f"AWS takes {least:,} to {most:,}{unit}, as an int.")
    return value


def checked_choice(decorator: str, keyword: str, value: object, choices: tuple[str, ...]) -> str:
    """The value, one of `choices`."""
    if value not in choices:
        from ..routing.problems import nearest

        raise refuse(decorator, keyword, value, nearest(str(value), choices))
    return str(value)


def checked_texts(decorator: str, keyword: str, value: object) -> tuple[str, ...]:
    """One str or several, as a tuple of distinct ones."""
    values = (value,) if isinstance(value, str) else tuple(value) if hasattr(value, "__iter__") else ()
    if not values or not all(isinstance(one, str) for one in values):
        raise refuse(decorator, keyword, value, f"write one str or a list of them: {keyword}=['...'].")
    if len(set(values)) != len(values):
        raise refuse(decorator, keyword, value, "one of them stands there twice.")
    return values


def checked_flag(decorator: str, keyword: str, value: object) -> bool:
    """The value, True or False."""
    if type(value) is not bool:
        raise refuse(decorator, keyword, value, "write True or False.")
    return value
