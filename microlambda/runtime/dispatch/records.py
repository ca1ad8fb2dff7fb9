"""A handler of single records: each is run, and what failed is reported as its source takes it."""

from __future__ import annotations

from ..awaiting import settled
from ..triggers.base import EACH, GENERATORS, RAISE, Outcome, check_has_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App
    from .handler import Handler


def run_records(app: App, handler: Handler, event: Any) -> Any:
    """The result of a batch, record by record: `Trigger.report` makes it of what came of each."""
    trigger: Any = handler.trigger
    goes_on = trigger.failure_mode(event) in (EACH, RAISE)
    outcomes: list[Outcome] = []
    broken = set()  # the orders in which one record failed: those behind it must not overtake it
    for record in event:
        order = None if goes_on else trigger.order_of(record)
        if order in broken:
            outcomes.append(Outcome(record, is_skipped=True))
            continue
        outcome = _outcome(app, handler, record)
        outcomes.append(outcome)
        if outcome.error is not None and not goes_on:
            broken.add(order)
    return trigger.report(app, handler.name, event, outcomes)


def _outcome(app: App, handler: Handler, record: Any) -> Outcome:
    try:
        answer = settled(handler.function(record))
        if type(answer) in GENERATORS:
            check_has_run(handler.name, answer)
        return Outcome(record, answer=answer)
    except Exception as exc:  # whatever a handler raises is the record's failure
        from .failures import users_frames

        app.logger.error(  # noqa: TRY400  # with the user's frames alone
            "%r failed for %r: %s",
            handler.name,
            record,
            type(exc).__name__,
            exc_info=(type(exc), exc, users_frames(exc)),
        )
        return Outcome(record, error=exc)
