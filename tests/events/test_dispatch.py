"""From an event of any source to its handler: bound, inferred, refused; middleware, context, records."""

from __future__ import annotations

import contextvars
import datetime
import functools
from typing import Annotated, Any

import pytest

from microlambda import (
    App,
    Blueprint,
    ConvertToMiddleware,
    CustomEvent,
    KinesisRecord,
    OutsideRequest,
    RegistrationError,
    S3Event,
    SQSEvent,
    SQSRecord,
    UnknownEvent,
    WrongAnswer,
    current_app,
    g,
    request,
)
from microlambda import SQSRecord as Rec
from microlambda.emulator.events.sqs import build

# Which handler ---------------------------------------------------------------------------------------


def test_of_several_handlers_of_one_source_each_gets_its_own(app: App) -> None:
    seen: list[tuple[str, str]] = []

    @app.on_sqs_message(queue="orders")
    def orders(event: SQSEvent) -> None:
        seen.append(("orders", event[0].body))

    @app.on_sqs_message(queue="arn:aws:sqs:us-east-1:123456789012:returns")
    def returns(event: SQSEvent) -> None:
        seen.append(("returns", event[0].body))

    app(build("returns", ["a"]), None)
    app(build("orders", ["b"]), None)

    assert seen == [("returns", "a"), ("orders", "b")]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({}, id="empty"),
        pytest.param({"Records": []}, id="no records"),
        pytest.param({"Records": [{"eventSource": "aws:new"}]}, id="an unknown service"),
        pytest.param({"Records": [{"eventSource": ["aws:sqs"]}]}, id="no str"),
        pytest.param({"Records": {"eventSource": "aws:sqs"}}, id="no list"),
        pytest.param({"Records": [None]}, id="an empty record"),
        pytest.param({"Records": [{"eventSource": "aws:sqs"}]}, id="a record without its queue"),
        pytest.param({"Records": [{"eventSource": "aws:sqs", "eventSourceARN": 7}]}, id="a number as ARN"),
        pytest.param([], id="a list"),
        pytest.param("hello", id="text"),
        pytest.param(None, id="null"),
        pytest.param({"source": "aws.events"}, id="half an EventBridge event"),
        pytest.param({"microlambda": {"task": "gone"}}, id="a task that is not there"),
    ],
)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_an_event_for_nobody_is_an_error_that_names_what_is_declared(
    app: App, event: Any, is_bound: bool
) -> None:
    @app.on_sqs_message(queue="orders")
    def handle(event: SQSEvent) -> None:
        raise AssertionError

    with pytest.raises(UnknownEvent, match=r"'handle', @app.on_sqs_message\(queue='orders'\)"):
        (app.handler("handle") if is_bound else app)(event, None)


def test_the_error_holds_no_value_of_the_event(app: App) -> None:
    with pytest.raises(UnknownEvent) as caught:
        app({"password": "s3cret"}, None)

    assert "password" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_event_that_two_are_for_is_an_error_that_names_both(app: App) -> None:
    app.on_event({"source": ["shop"]}, name="first")(lambda event: None)
    app.on_event({"detail-type": ["Sold"]}, name="second")(lambda event: None)

    with pytest.raises(UnknownEvent, match=r"'first' and 'second'.*MICROLAMBDA_HANDLER"):
        app({"source": "shop", "detail-type": "Sold", "detail": {}, "id": "1"}, None)


def test_a_handler_of_another_source_gets_no_http_event(app: App, load_event: Any) -> None:
    @app.on_sqs_message(queue="orders")
    def handle(event: SQSEvent) -> None: ...

    with pytest.raises(UnknownEvent, match="'handle'"):
        app.handler("handle")(load_event("rest-api"), None)


def test_predicates_come_after_the_sources_and_the_first_that_is_true_wins(app: App) -> None:
    seen: list[str] = []
    app.on_sqs_message(queue="orders", name="own")(lambda event: seen.append("own"))
    app.on(lambda event: event["jobId"] == 7, name="job")(lambda event: seen.append(f"job {event['jobId']}"))
    app.on(lambda event: "jobId" in event, name="jobs")(lambda event: seen.append("jobs"))
    app.on(lambda event: "Records" in event, name="records")(lambda event: seen.append("records"))

    for event in ({"jobId": 7}, {"jobId": 8}, build("orders", ["a"]), build("others", ["a"])):
        app(event, None)

    assert seen == ["job 7", "jobs", "own", "records"]


def test_a_custom_event_is_read_by_key(app: App, lambda_context: Any) -> None:
    @app.on(lambda event: "jobId" in event)
    def handle(event: CustomEvent) -> Any:
        return [event["jobId"], event.get("x", 1), "y" in event, dict(event), len(event), event.context]

    result = app.handler("handle")({"jobId": 7, "y": None}, None)

    assert result == [7, 1, True, {"jobId": 7, "y": None}, 2, None]


@pytest.mark.parametrize("predicate", ["x", None, 7])
def test_a_predicate_is_a_function(app: App, predicate: Any) -> None:
    with pytest.raises(RegistrationError, match=r"on\(.*takes a function"):
        app.on(predicate)


def test_the_deployers_question_runs_no_handler(app: App) -> None:
    @app.on(lambda event: True)
    def handle(event: CustomEvent) -> None:
        raise AssertionError

    for run in (app, app.handler("handle")):
        assert run({"microlambda": {"check": 1}}, None) == {"microlambda": {"check": 1}}


def test_a_lambda_function_is_called_by_its_name_alone(app: App) -> None:
    @app.lambda_function(name="nightly", retries=1, on_failure="arn:aws:sqs:eu-west-1:123456789012:failed")
    def job(event: Any, context: Any) -> Any:
        return event

    assert app.handler("nightly")({"Records": 7}, None) == {"Records": 7}
    with pytest.raises(UnknownEvent):
        app({"Records": 7}, None)


# Around the handler ----------------------------------------------------------------------------------


def test_middleware_of_the_source_and_of_all_is_around_the_handler(app: App) -> None:
    trace: list[str] = []
    for kind in ("all", "sqs", "s3", "http"):

        def note(event: Any, get_response: Any, kind: str = kind) -> Any:
            trace.append(f"{kind} {type(event).__name__}")
            return get_response(event)

        app.register_middleware(note, kind)

    @app.on_sqs_message(queue="orders")
    def handle(record: SQSRecord) -> None:
        trace.append(record.body)

    app(build("orders", ["a", "b"]), None)

    assert trace == ["all SQSEvent", "sqs SQSEvent", "a", "b"]


def test_a_decorator_of_lambda_handlers_gets_the_raw_event(app: App, lambda_context: Any) -> None:
    given: list[Any] = []

    def decorator(handler: Any) -> Any:
        def decorated(event: Any, context: Any) -> Any:
            given.extend([event, context])
            return handler(event, context)

        return decorated

    app.register_middleware(ConvertToMiddleware(decorator), "sqs")
    app.on_sqs_message(queue="orders", name="handle")(lambda event: None)
    event = build("orders", ["a"])

    app(event, lambda_context)

    assert given == [event, lambda_context]


def test_a_handler_has_its_app_and_its_context_and_no_request(app: App, lambda_context: Any) -> None:
    @app.on_sqs_message(queue="orders")
    def handle(event: SQSEvent) -> None:
        g.found = (current_app.name, app.lambda_context, event.context, bool(request))
        assert g.found == ("shop", lambda_context, lambda_context, False)
        with pytest.raises(OutsideRequest, match="handler of events"):
            str(request.path)

    app(build("orders", ["a"]), lambda_context)


def test_what_one_event_leaves_in_a_context_variable_is_not_there_in_the_next(app: App) -> None:
    left: contextvars.ContextVar[str] = contextvars.ContextVar("left", default="nothing")
    seen: list[str] = []

    @app.on_sqs_message(queue="orders")
    def handle(event: SQSEvent) -> None:
        seen.append(left.get())
        left.set("something")

    for run in (app, app, app.handler("handle"), app.handler("handle")):
        run(build("orders", ["a"]), None)

    assert seen == ["nothing"] * 4


def test_handlers_may_be_async(app: App) -> None:
    seen: list[str] = []

    @app.on_sqs_message(queue="orders")
    async def whole(event: SQSEvent) -> None:
        seen.extend(record.body for record in event)

    @app.on_sqs_message(queue="returns", per_record=True)
    async def single(record: SQSRecord) -> None:
        seen.append(record.body)
        raise LookupError

    app(build("orders", ["a", "b"]), None)
    result = app(build("returns", ["c"]), None)

    assert seen == ["a", "b", "c"]
    assert len(result["batchItemFailures"]) == 1


def test_a_blueprint_carries_events_under_its_name(app: App) -> None:
    shop = Blueprint("sales")
    seen: list[str] = []

    @shop.on_sqs_message(queue="orders")
    def handle(record: SQSRecord) -> None:
        seen.append(record.body)

    app.register_blueprint(shop, url_prefix="/one")
    app.register_blueprint(shop, url_prefix="/two", name="again")

    app(build("orders", ["a"]), None)
    app.handler("sales.handle")(build("orders", ["b"]), None)

    assert (app.functions, seen) == (("sales.handle",), ["a", "b"])


# How a handler takes its records ---------------------------------------------------------------------


def annotated() -> dict[str, Any]:
    def by_class(record: SQSRecord) -> None: ...

    def by_string(record: "SQSRecord") -> None: ...  # noqa: UP037

    def by_keyword(anything: Any) -> None: ...

    by_class.__annotations__["record"] = SQSRecord
    return {"class": by_class, "string": by_string, "keyword": by_keyword}


@pytest.mark.parametrize("how", ["class", "string", "keyword"])
def test_a_handler_is_declared_or_annotated_per_record(app: App, how: str) -> None:
    app.on_sqs_message(queue="orders", per_record=how == "keyword", name="handle")(annotated()[how])

    assert app.handlers["handle"].trigger.is_per_record


def test_a_method_annotated_per_record(app: App) -> None:
    class Shop:
        def handle(self, record: SQSRecord) -> None: ...

    app.on_sqs_message(queue="orders")(Shop().handle)

    assert app.handlers["handle"].trigger.is_per_record


def repeated(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **keywords: Any) -> Any:
        return function(*args, **keywords)

    return wrapper


class Handler:
    def __call__(self, record: SQSRecord) -> None: ...


def by_optional(record: SQSRecord | None) -> None: ...


def by_alias(record: "Rec") -> None: ...  # noqa: UP037


def by_annotated(record: "Annotated[SQSRecord, 'one']") -> None: ...  # noqa: UP037


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(by_optional, id="optional"),
        pytest.param(by_alias, id="another name"),
        pytest.param(by_annotated, id="Annotated"),
        pytest.param(repeated(by_optional), id="below a decorator"),
        pytest.param(functools.partial(by_optional), id="a partial"),
        pytest.param(Handler(), id="an object"),
    ],
)
def test_an_annotation_is_seen_however_it_is_written(app: App, function: Any) -> None:
    app.on_sqs_message(queue="orders", name="handle")(function)

    assert app.handlers["handle"].trigger.is_per_record


@pytest.mark.parametrize("kind", [S3Event, KinesisRecord])
def test_the_class_of_another_source_is_refused(app: App, kind: type) -> None:
    def handle(event: Any) -> None: ...

    handle.__annotations__["event"] = kind

    with pytest.raises(RegistrationError, match=f"takes a {kind.__name__}, and on_sqs_message hands over"):
        app.on_sqs_message(queue="orders")(handle)
    with pytest.raises(RegistrationError, match=f"takes a {kind.__name__}, and schedule hands over Schedule"):
        app.schedule("rate(1 day)")(handle)


def test_an_annotation_that_contradicts_the_keyword_is_refused(app: App) -> None:
    with pytest.raises(RegistrationError, match="takes a SQSEvent and is declared with per_record=True"):

        @app.on_sqs_message(queue="orders", per_record=True)
        def handle(event: SQSEvent) -> None: ...


@pytest.mark.parametrize(
    "function",
    [lambda: None, lambda event, context: None, "x", None],
    ids=["none", "two", "no-function", "nothing"],
)
def test_a_handler_takes_one_argument(app: App, function: Any) -> None:
    with pytest.raises(RegistrationError, match="on_sqs_message"):
        app.on_sqs_message(queue="orders", name="handle")(function)


@pytest.mark.parametrize("name", ["", 7, True])
def test_a_handlers_name_is_a_str(app: App, name: Any) -> None:
    with pytest.raises(RegistrationError, match=r"on_sqs_message\(name="):
        app.on_sqs_message(queue="orders", name=name)


def test_two_handlers_of_one_name_are_refused(app: App) -> None:
    app.on_sqs_message(queue="orders", name="handle")(lambda event: None)

    with pytest.raises(RegistrationError, match="the handler 'handle' has the name of another function"):
        app.on_sqs_message(queue="returns", name="handle")(lambda event: None)


def yielding(event: Any) -> Any:
    yield event


async def yielding_later(event: Any) -> Any:
    yield event


@pytest.mark.parametrize("function", [yielding, yielding_later])
def test_a_generator_is_refused_for_none_of_its_lines_would_run(app: App, function: Any) -> None:
    for register in (
        app.on_sqs_message(queue="orders"),
        app.on_sqs_message(queue="orders", per_record=True),
        app.schedule("rate(1 day)"),
        app.task,
    ):
        with pytest.raises(RegistrationError, match="has a `yield`"):
            register(function)


@pytest.mark.parametrize("function", [repeated(yielding), functools.partial(yielding)])
@pytest.mark.parametrize("per_record", [True, False])
def test_a_generator_that_was_not_seen_fails_its_messages(app: App, function: Any, per_record: bool) -> None:
    app.on_sqs_message(queue="orders", name="handle", per_record=per_record)(function)
    client = app.test_client(raise_errors=False)

    result = client.sqs("orders", ["a"])

    assert isinstance(result.error, WrongAnswer) or len(result.failures) == 1


# What a handler answers ------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, "done", 7, {"ok": True}, [1], object()])
def test_what_nobody_reads_is_left_out(app: App, answer: Any) -> None:
    app.on_sqs_message(queue="orders", name="handle")(lambda event: answer)

    assert app(build("orders", ["a"]), None) is None


def test_a_handler_of_batches_may_report_failures_itself(app: App) -> None:
    @app.on_sqs_message(queue="orders")
    def handle(event: SQSEvent) -> dict[str, Any]:
        return {"batchItemFailures": [{"itemIdentifier": event[1].item_identifier}]}

    event = build("orders", ["a", "b"])

    assert app(event, None) == {"batchItemFailures": [{"itemIdentifier": event["Records"][1]["messageId"]}]}


@pytest.mark.parametrize(
    "failures",
    [
        pytest.param("m-1", id="a str"),
        pytest.param(["m-1"], id="bare identifiers"),
        pytest.param([{"itemIdentifier": ""}], id="an empty identifier"),
        pytest.param([{"itemIdentifier": None}], id="null"),
        pytest.param([{"itemIdentifier": "unknown"}], id="an unknown identifier"),
        pytest.param([{"id": "m-1"}], id="another key"),
    ],
)
def test_a_report_that_lambda_would_take_for_the_whole_batch_is_an_error(app: App, failures: Any) -> None:
    app.on_sqs_message(queue="orders", name="handle")(lambda event: {"batchItemFailures": failures})

    with pytest.raises(WrongAnswer, match="'handle'.*batchItemFailures"):
        app(build("orders", ["a"]), None)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([{"itemIdentifier": "m-1"}], id="without its wrapper"),
        pytest.param({"batchItemFailure": []}, id="a letter short"),
        pytest.param({"batch_item_failures": []}, id="as Python writes"),
    ],
)
def test_a_report_in_another_shape_is_an_error_for_it_would_count_as_success(app: App, answer: Any) -> None:
    app.on_sqs_message(queue="orders", name="handle")(lambda event: answer)

    with pytest.raises(WrongAnswer, match="'handle' reported failures in another shape"):
        app(build("orders", ["a"]), None)


def test_the_error_about_a_report_holds_nothing_of_the_message(app: App) -> None:
    app.on_sqs_message(queue="orders", name="handle")(
        lambda event: {"batchItemFailures": [record.raw for record in event]}
    )

    with pytest.raises(WrongAnswer) as caught:
        app(build("orders", ["s3cret"]), None)

    assert "s3cret" not in str(caught.value)


def test_what_a_lambda_function_answers_is_json_as_a_views_is(app: App) -> None:
    app.lambda_function(name="good")(lambda event, context: {"at": datetime.date(2026, 1, 2), "tags": {"a"}})
    app.lambda_function(name="bad")(lambda event, context: object())

    assert app.handler("good")({}, None) == {"at": "2026-01-02", "tags": ["a"]}
    with pytest.raises(WrongAnswer, match="'bad' answered what JSON cannot hold"):
        app.handler("bad")({}, None)


@pytest.mark.parametrize("keyword", ["dead_letter_queue", "on_failure"])
def test_failures_go_to_no_fifo_queue(app: App, keyword: str) -> None:
    words: dict[str, Any] = {keyword: "arn:aws:sqs:eu-west-1:123456789012:failed.fifo"}

    with pytest.raises(RegistrationError, match=rf"schedule\({keyword}=.*FIFO"):
        app.schedule("rate(1 day)", **words)


def test_two_handlers_of_a_stream_with_filters_of_their_own(app: App) -> None:
    app.on_dynamodb_record("orders", filters=[{"eventName": ["INSERT"]}], name="made")(lambda event: None)
    app.on_dynamodb_record("orders", filters=[{"eventName": ["REMOVE"]}], name="gone")(lambda event: None)

    with pytest.raises(RegistrationError, match="would both get the changes of the table 'orders'"):
        app.on_dynamodb_record("orders", filters=[{"eventName": ["REMOVE"]}], name="again")(
            lambda event: None
        )


def test_alternatives_in_another_order_are_the_same_pattern(app: App) -> None:
    app.on_event({"source": ["a", "b"]}, name="first")(lambda event: None)

    with pytest.raises(RegistrationError, match="would both get"):
        app.on_event({"source": ["b", "a"]}, name="second")(lambda event: None)


def test_chalices_decorator_is_told_by_its_own_name(app: App) -> None:
    with pytest.raises(RegistrationError, match=r"^on_cw_event\(bus="):
        app.on_cw_event({"source": ["a"]}, bus="a b")
    app.on_cw_event({"source": ["a"]}, name="handle")(lambda event: None)

    assert app.handlers["handle"].trigger.declared() == "@app.on_cw_event({'source': ['a']})"


@pytest.mark.parametrize("failures", [None, []], ids=repr)
def test_an_empty_report_is_success(app: App, failures: Any) -> None:
    app.on_sqs_message(queue="orders", name="handle")(lambda event: {"batchItemFailures": failures})

    assert app(build("orders", ["a"]), None) == {"batchItemFailures": failures}
