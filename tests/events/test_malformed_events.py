"""Events whose parts are not what AWS sends: an error that says so, or a handler that reads what is there."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda import App, UnknownEvent, WrongAnswer
from microlambda.emulator.events import SOURCES, builder

#: Made once: hypothesis wants the same at each run.
SAMPLES = {source: builder(source)() for source in SOURCES}

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.text(max_size=4),
    st.just([]),
    st.just({}),
    st.just([None]),
)


def everything() -> App:
    """An app that takes the sample event of every source, and reads nothing of it.

    But Firehose's, whose records must be read to be answered.
    """
    app = App("shop")
    app.on_s3_event("photos", name="s3")(_nothing)
    app.on_sqs_message("orders", name="sqs")(_nothing)
    app.on_sns_message("news", name="sns", filter_policy={"kind": [{"exists": False}]})(_nothing)
    app.on_dynamodb_record("orders", name="dynamodb")(_nothing)
    app.on_kinesis_record("clicks", name="kinesis")(_nothing)
    app.on_event({"source": [{"exists": True}]}, name="eventbridge")(_nothing)
    app.on_kafka_record("orders", cluster=SAMPLES["kafka"]["eventSourceArn"], name="kafka")(_nothing)
    app.on_mq_message("orders", broker=SAMPLES["mq"]["eventSourceArn"], name="mq")(_nothing)
    app.on_documentdb_change("shop", cluster=SAMPLES["documentdb"]["eventSourceArn"], name="documentdb")(
        _nothing
    )
    app.on_log_events("/aws/lambda/orders", name="logs")(_nothing)
    app.on_alarm("orders-errors", name="alarm")(_nothing)
    app.on_email(name="email")(_nothing)
    app.on_cognito("PreSignUp", name="cognito")(lambda event: event)
    app.on_iot_message("#", name="iot")(_nothing)
    app.on_ws_connect(name="websocket")(_nothing)
    app.schedule("rate(1 day)", name="schedule")(_nothing)
    return app


def _nothing(event: Any) -> None: ...


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in an event."""
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


@st.composite
def broken_events(draw: st.DrawFn) -> Any:
    """The sample of a source with a place or two that hold something else, or nothing."""
    event: Any = copy.deepcopy(SAMPLES[draw(st.sampled_from(list(SOURCES)))])
    for _ in range(draw(st.integers(1, 2))):
        *above, last = draw(st.sampled_from(places(event)[1:] or [("gone",)]))
        inside = event
        for key in above:
            inside = inside[key]
        if draw(st.booleans()) and isinstance(inside, dict):
            inside.pop(last, None)
        else:
            inside[last] = copy.deepcopy(draw(JUNK))
    return event


@settings(max_examples=400, deadline=None)
@given(broken_events())
def test_a_broken_event_is_taken_or_told(event: Any) -> None:
    with contextlib.suppress(UnknownEvent, WrongAnswer):  # any other error is a bug
        everything()(event, None)


@settings(max_examples=200, deadline=None)
@given(broken_events())
def test_bound_and_inferred_agree_on_whether_an_event_is_for_a_handler(event: Any) -> None:
    app = everything()
    inferred = _outcome(app, event)

    bound = [_outcome(app.handler(name), event) for name in app.functions]

    assert (inferred == "refused") == all(one == "refused" for one in bound)


def _outcome(handler: Any, event: Any) -> str:
    try:
        handler(copy.deepcopy(event), None)
    except UnknownEvent:
        return "refused"
    except WrongAnswer:
        pass
    return "taken"


@pytest.mark.parametrize("source", SOURCES)
def test_the_samples_themselves_are_known(source: str) -> None:
    app = everything()
    app.on_firehose_records("clicks", name="firehose")(lambda event: [one.ok() for one in event])

    app(builder(source)(), None)
