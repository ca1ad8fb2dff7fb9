"""Event source mappings: made, changed, moved, removed; and what has to be there before them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import EventSourceMapping as Stored
from moto.awslambda.models import LambdaBackend
from moto.awslambda_simple.models import lambda_simple_backends

from microlambda import App
from microlambda.deploy.errors import DeployFailed
from microlambda.plan.kinds import KINDS
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    deploy_again,
    fail_at,
    lose_reply_of,
    on_answer,
)

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop-dev-work"
LIVE = f"{FUNCTION}:live"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
FAILED = f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"


@pytest.fixture(autouse=True)
def mended() -> Iterator[pytest.MonkeyPatch]:
    """Put right what moto does otherwise than Lambda.

    It stores the version that an alias points at instead of the alias, finds mappings by the very text that
    they were made with, forgets that text in an update, makes a second one of a pair, and keeps no time to
    start from. It knows no consumers, and no state but Enabled and Disabled: tests write those themselves.
    """
    create = LambdaBackend.create_event_source_mapping
    update = LambdaBackend.update_event_source_mapping

    def created(self: Any, spec: dict[str, Any]) -> Stored:
        function = _full(spec["FunctionName"])
        for one in self._event_source_mappings.values():
            if (one.function_arn, one.event_source_arn) == (function, spec["EventSourceArn"]):
                raise LambdaClientError("ResourceConflictException", f"exists already: UUID {one.uuid}")
        made: Stored = create(self, spec)
        made.function_arn = made.function_name = function
        return made

    def updated(self: Any, uuid: str, spec: dict[str, Any]) -> Stored | None:
        changed: Stored | None = update(self, uuid, spec)
        if changed is not None and "FunctionName" in spec:
            changed.function_arn = changed.function_name = _full(spec["FunctionName"])
        return changed

    def listed(self: Any, event_source_arn: str, function_name: str) -> Iterable[Stored]:
        every = self._event_source_mappings.values()
        return [one for one in every if one.function_arn == _full(function_name)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LambdaBackend, "create_event_source_mapping", created)
        patch.setattr(LambdaBackend, "update_event_source_mapping", updated)
        patch.setattr(LambdaBackend, "list_event_source_mappings", listed)
        yield patch


def _full(function: str) -> str:
    return function if function.startswith("arn:") else FUNCTION.replace("shop-dev-work", function)


@pytest.fixture
def sources(cloud: Cloud) -> None:
    """Make a queue, a stream, and a table with a stream."""
    make_queue(cloud, "orders")
    cloud.client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    make_table(cloud)


@pytest.fixture
def shop(project: Project, sources: None) -> Project:
    """Give a project whose handler `work` reads a queue."""
    reads(project, "on_sqs_message", queue="orders")
    return project


def reads(project: Project, decorator: str, name: str = "work", **words: Any) -> None:
    """Let the project's app have this one handler."""
    project.app = App("shop")
    getattr(project.app, decorator)(name=name, **words)(lambda event: None)


def make_queue(cloud: Cloud, name: str, visibility: int = 180) -> None:
    cloud.client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(visibility)})


def make_table(cloud: Cloud, *, streams: bool = True) -> None:
    asked = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"} if streams else {"StreamEnabled": False}
    cloud.client("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=asked,
    )


def there(cloud: Cloud) -> list[dict[str, Any]]:
    """List all mappings of the account, of whatever function."""
    stored = lambda_simple_backends[ACCOUNT][REGION]._event_source_mappings.values()
    client = cloud.client("lambda")
    return [client.get_event_source_mapping(UUID=one.uuid) for one in stored]


def pairs(cloud: Cloud) -> list[tuple[str, str]]:
    return [(one["FunctionArn"], one["EventSourceArn"]) for one in there(cloud)]


def put_by_hand(cloud: Cloud, function: str = FUNCTION, source: str = QUEUE, **words: Any) -> str:
    answer = cloud.client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=source, **words
    )
    return str(answer["UUID"])


def switch_off(cloud: Cloud) -> None:
    """Disable all mappings, as somebody may in the console."""
    for one in there(cloud):
        cloud.client("lambda").update_event_source_mapping(UUID=one["UUID"], Enabled=False)


def refused(cloud: Cloud, call: str, code: str) -> ClientError:
    kind = cloud.aws.client("lambda").exceptions.from_code(code)
    raised: ClientError = kind({"Error": {"Code": code, "Message": "no"}}, call)
    return raised


def stream_of_table(cloud: Cloud) -> str:
    return str(cloud.client("dynamodb").describe_table(TableName="orders")["Table"]["LatestStreamArn"])


# Making ----------------------------------------------------------------------------------------------


def test_a_queue_is_mapped_to_the_alias_and_a_second_deploy_does_nothing(shop: Project, cloud: Cloud) -> None:
    changes = shop.deployer.deploy().changes

    assert changes[-1].line == "+ event source mapping orders: 10 messages at a time"
    assert cloud.changes[-2:] == ["CreateAlias", "CreateEventSourceMapping"]
    assert pairs(cloud) == [(LIVE, QUEUE)]
    (made,) = there(cloud)
    assert (made["BatchSize"], made["MaximumBatchingWindowInSeconds"]) == (10, 0)
    assert made["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert "MaximumRetryAttempts" not in made
    assert deploy_again(shop) == []


def test_a_fifo_queue_is_asked_for_no_window(shop: Project, cloud: Cloud) -> None:
    cloud.client("sqs").create_queue(
        QueueName="orders.fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "180"}
    )
    reads(shop, "on_sqs_message", queue="orders.fifo")

    shop.deployer.deploy()

    (made,) = there(cloud)
    assert "MaximumBatchingWindowInSeconds" not in made
    assert deploy_again(shop) == []


def test_a_stream_is_mapped_with_all_that_is_declared(shop: Project, cloud: Cloud) -> None:
    reads(
        shop,
        "on_kinesis_record",
        stream=STREAM,
        batch_size=7,
        starting_position="TRIM_HORIZON",
        maximum_batching_window_in_seconds=3,
        parallelization_factor=4,
        bisect_batch_on_error=True,
        retries=5,
        maximum_age=600,
        on_failure=FAILED,
        filters=[{"data": {"kind": ["new"]}}],
    )

    shop.deployer.deploy()

    (made,) = there(cloud)
    expected = {
        "BatchSize": 7,
        "StartingPosition": "TRIM_HORIZON",
        "MaximumBatchingWindowInSeconds": 3,
        "ParallelizationFactor": 4,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 5,
        "MaximumRecordAgeInSeconds": 600,
        "DestinationConfig": {"OnFailure": {"Destination": FAILED}},
        "FilterCriteria": {"Filters": [{"Pattern": '{"data":{"kind":["new"]}}'}]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    assert {name: made[name] for name in expected} == expected
    assert deploy_again(shop) == []


def test_a_reader_may_start_at_a_time(shop: Project, cloud: Cloud) -> None:
    start = datetime(2026, 1, 2, tzinfo=UTC)
    reads(
        shop,
        "on_kinesis_record",
        stream="clicks",
        starting_position="AT_TIMESTAMP",
        starting_position_timestamp=start,
    )

    shop.deployer.deploy()

    asked = cloud.last("CreateEventSourceMapping")["body"]
    assert f'"StartingPositionTimestamp": {int(start.timestamp())}' in str(asked)
    assert deploy_again(shop) == []


@pytest.mark.parametrize("table", ["orders", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders"])
def test_of_a_table_the_stream_is_asked_for(shop: Project, cloud: Cloud, table: str) -> None:
    reads(shop, "on_dynamodb_record", table=table)

    shop.deployer.deploy()

    assert pairs(cloud) == [(LIVE, stream_of_table(cloud))]
    assert deploy_again(shop) == []


def test_a_role_that_is_not_known_everywhere_yet_is_waited_for(shop: Project, cloud: Cloud) -> None:
    fail_at(
        cloud,
        "CreateEventSourceMapping",
        "InvalidParameterValueException",
        "The function execution role does not have permissions to call ReceiveMessage on SQS",
    )

    shop.deployer.deploy()

    assert cloud.calls.count("CreateEventSourceMapping") == 2
    assert pairs(cloud) == [(LIVE, QUEUE)]


# What has to be there --------------------------------------------------------------------------------


def test_a_table_without_a_stream_stops_the_deploy_before_the_first_change(
    shop: Project, cloud: Cloud
) -> None:
    cloud.client("dynamodb").delete_table(TableName="orders")
    make_table(cloud, streams=False)
    reads(shop, "on_dynamodb_record", table="orders")

    with pytest.raises(DeployFailed, match="table 'orders', which has none. Switch it on: aws dynamodb"):
        shop.deployer.deploy()

    assert cloud.mutating == []


def test_a_stream_that_was_switched_off_is_none_although_its_arn_is_still_told(
    shop: Project, cloud: Cloud
) -> None:
    cloud.client("dynamodb").update_table(TableName="orders", StreamSpecification={"StreamEnabled": False})
    assert stream_of_table(cloud)
    reads(shop, "on_dynamodb_record", table="orders")

    with pytest.raises(DeployFailed, match="which has none"):
        shop.deployer.deploy()


@pytest.mark.parametrize(
    ("decorator", "words", "what"),
    [
        ("on_sqs_message", {"queue": "others"}, "queue 'others'"),
        ("on_dynamodb_record", {"table": "others"}, "table 'others'"),
    ],
    ids=["queue", "table"],
)
def test_what_is_not_there_is_named_before_the_first_change(
    shop: Project, cloud: Cloud, decorator: str, words: dict[str, str], what: str
) -> None:
    reads(shop, decorator, **words)

    with pytest.raises(DeployFailed, match=f"'work' reads the {what}, which is not there in {REGION}"):
        shop.deployer.deploy()

    assert cloud.mutating == []


def test_a_queue_that_gives_out_messages_before_the_function_times_out_is_refused(
    shop: Project, cloud: Cloud
) -> None:
    make_queue(cloud, "short", visibility=20)
    reads(shop, "on_sqs_message", queue="short")

    with pytest.raises(DeployFailed, match=r"after 20 s, .* times out: 30 s\. .* to 180 s, as AWS advises"):
        shop.deployer.deploy()

    assert cloud.mutating == []
    shop.write("timeout = 20")
    shop.deployer.deploy()


def test_a_longer_timeout_is_held_against_the_queue_of_a_mapping_that_is_there(
    shop: Project, cloud: Cloud
) -> None:
    shop.deployer.deploy()
    shop.write("timeout = 200")
    cloud.calls.clear()

    with pytest.raises(DeployFailed, match="after 180 s"):
        shop.deployer.deploy()

    assert cloud.mutating == []


def test_a_queue_of_another_account_is_left_to_lambda_to_look_at(shop: Project, cloud: Cloud) -> None:
    reads(shop, "on_sqs_message", queue=f"arn:aws:sqs:{REGION}:999999999999:orders")

    shop.deployer.changes()

    assert "GetQueueUrl" not in cloud.calls


# Changing --------------------------------------------------------------------------------------------

CHANGED = [
    pytest.param("on_sqs_message", {"batch_size": 5}, "batch size 10 -> 5", id="batch"),
    pytest.param(
        "on_sqs_message", {"maximum_batching_window_in_seconds": 5}, "window none -> 5 s", id="window"
    ),
    pytest.param("on_sqs_message", {"filters": [{"body": {"a": [1]}}]}, "filters", id="filters"),
    pytest.param(
        "on_sqs_message", {"maximum_concurrency": 5}, "maximum concurrency none -> 5", id="concurrency"
    ),
    pytest.param(
        "on_kinesis_record",
        {"parallelization_factor": 2},
        "parallelization factor none -> 2",
        id="parallelization",
    ),
    pytest.param("on_kinesis_record", {"bisect_batch_on_error": True}, "bisect none -> True", id="bisect"),
    pytest.param("on_kinesis_record", {"retries": 0}, "retries none -> 0", id="retries"),
    pytest.param("on_kinesis_record", {"maximum_age": 60}, "maximum age none -> 60 s", id="age"),
    pytest.param("on_kinesis_record", {"on_failure": FAILED}, f"on failure none -> {FAILED}", id="failure"),
]


def source_of(decorator: str) -> dict[str, str]:
    return {"queue": "orders"} if decorator == "on_sqs_message" else {"stream": "clicks"}


@pytest.mark.slow  # one deploy or more for each call that may fail
@pytest.mark.parametrize(("decorator", "words", "reason"), CHANGED)
def test_a_setting_is_changed_and_taken_back_in_place(
    shop: Project, cloud: Cloud, decorator: str, words: dict[str, Any], reason: str
) -> None:
    source = source_of(decorator)
    reads(shop, decorator, **source)
    shop.deployer.deploy()
    (before,) = there(cloud)

    reads(shop, decorator, **source, **words)
    changed = shop.deployer.deploy().changes
    again = deploy_again(shop)
    reads(shop, decorator, **source)
    back = shop.deployer.deploy().changes

    name = next(iter(source.values()))
    assert changed[-1].line == f"~ event source mapping {name}: {reason}"
    assert again == []
    assert [change.action for change in back][-1] == "update"
    (after,) = there(cloud)
    assert after["UUID"] == before["UUID"]
    assert deploy_again(shop) == []


def test_a_destination_is_taken_back_as_lambda_wants_it(shop: Project, cloud: Cloud) -> None:
    reads(shop, "on_kinesis_record", stream="clicks", on_failure=FAILED)
    shop.deployer.deploy()
    reads(shop, "on_kinesis_record", stream="clicks")

    shop.deployer.deploy()

    assert '"DestinationConfig": {"OnFailure": {"Destination": ""}}' in str(
        cloud.last("UpdateEventSourceMapping")["body"]
    )

    def of_none(answer: dict[str, Any]) -> None:  # so Lambda tells of no destination
        for one in answer["EventSourceMappings"]:
            one["DestinationConfig"] = {"OnFailure": {}}

    on_answer(cloud, "lambda", "ListEventSourceMappings", of_none)
    assert deploy_again(shop) == []


def test_another_starting_position_is_no_change_for_a_reader_that_is_there(shop: Project) -> None:
    reads(shop, "on_kinesis_record", stream="clicks")
    shop.deployer.deploy()

    reads(shop, "on_kinesis_record", stream="clicks", starting_position="TRIM_HORIZON")

    assert shop.deployer.changes() == ()


@pytest.mark.parametrize(
    ("by_hand", "reason"),
    [
        ({"BatchSize": 3}, "batch size 3 -> 10"),
        ({"Enabled": False}, "enabled"),
        ({"FunctionResponseTypes": []}, "failure reports"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"body":{"a":[1]}}'}]}}, "filters"),
        ({"ScalingConfig": {"MaximumConcurrency": 9}}, "maximum concurrency 9 -> none"),
    ],
    ids=["batch", "disabled", "reports", "filters", "concurrency"],
)
def test_what_somebody_changed_by_hand_is_put_right(
    shop: Project, cloud: Cloud, by_hand: dict[str, Any], reason: str
) -> None:
    shop.deployer.deploy()
    (made,) = there(cloud)
    cloud.client("lambda").update_event_source_mapping(UUID=made["UUID"], **by_hand)
    cloud.calls.clear()

    changes = shop.deployer.deploy().changes

    assert [change.line for change in changes] == [f"~ event source mapping orders: {reason}"]
    assert cloud.changes == ["UpdateEventSourceMapping"]
    (now,) = there(cloud)
    assert (now["State"], now["BatchSize"]) == ("Enabled", 10)
    assert deploy_again(shop) == []


def test_filters_that_are_written_otherwise_are_the_same(shop: Project, cloud: Cloud) -> None:
    reads(
        shop, "on_sqs_message", queue="orders", filters=[{"body": {"a": [1], "b": [2]}}, {"body": {"c": [3]}}]
    )
    shop.deployer.deploy()
    (made,) = there(cloud)
    patterns = ['{ "body": {"c": [3]} }', '{"body": {"b": [2], "a": [1]}}']
    cloud.client("lambda").update_event_source_mapping(
        UUID=made["UUID"], FilterCriteria={"Filters": [{"Pattern": one} for one in patterns]}
    )

    assert shop.deployer.changes() == ()


def test_a_mapping_of_the_function_itself_is_moved_to_the_alias(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    (made,) = there(cloud)
    cloud.client("lambda").update_event_source_mapping(UUID=made["UUID"], FunctionName="shop-dev-work")

    (change,) = shop.deployer.deploy().changes

    assert change.line == "~ event source mapping orders: alias live"
    assert pairs(cloud) == [(LIVE, QUEUE)]


def test_of_two_readers_of_a_source_the_one_of_the_alias_stays(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    put_by_hand(cloud)

    (change,) = shop.deployer.deploy().changes

    assert change.line == "- event source mapping orders"
    assert pairs(cloud) == [(LIVE, QUEUE)]
    assert deploy_again(shop) == []


def test_a_mapping_of_somebodys_own_alias_is_theirs_even_where_the_functions_list_names_it(
    shop: Project, cloud: Cloud, mended: pytest.MonkeyPatch
) -> None:
    shop.deployer.deploy()
    cloud.client("lambda").create_alias(FunctionName="shop-dev-work", Name="canary", FunctionVersion="1")
    put_by_hand(cloud, f"{FUNCTION}:canary")

    def listed(self: Any, event_source_arn: str, function_name: str) -> Iterable[Stored]:
        every = self._event_source_mappings.values()
        return [one for one in every if f"{one.function_arn}:".startswith(f"{_full(function_name)}:")]

    mended.setattr(LambdaBackend, "list_event_source_mappings", listed)

    assert shop.deployer.changes() == ()


# Other sources and other handlers --------------------------------------------------------------------


def order_of(cloud: Cloud) -> list[str]:
    return [one for one in cloud.changes if one.endswith("EventSourceMapping")]


def test_another_queue_is_mapped_before_the_old_one_is_left(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    make_queue(cloud, "returns")
    reads(shop, "on_sqs_message", queue="returns")
    cloud.calls.clear()

    changes = shop.deployer.deploy().changes

    assert [change.line for change in changes if "mapping" in change.line] == [
        "+ event source mapping returns: 10 messages at a time",
        "- event source mapping orders",
    ]
    assert order_of(cloud) == ["CreateEventSourceMapping", "DeleteEventSourceMapping"]
    assert pairs(cloud) == [(LIVE, QUEUE.replace("orders", "returns"))]
    assert deploy_again(shop) == []


def test_the_next_stream_of_a_table_is_mapped_before_the_old_one_is_left(shop: Project, cloud: Cloud) -> None:
    reads(shop, "on_dynamodb_record", table="orders")
    shop.deployer.deploy()
    before = stream_of_table(cloud)
    # moto does not switch the same table's stream on again
    cloud.client("dynamodb").delete_table(TableName="orders")
    make_table(cloud)
    assert stream_of_table(cloud) != before
    cloud.calls.clear()

    shop.deployer.deploy()

    assert cloud.changes == ["CreateEventSourceMapping", "DeleteEventSourceMapping"]
    assert pairs(cloud) == [(LIVE, stream_of_table(cloud))]
    assert deploy_again(shop) == []


def test_a_renamed_handler_reads_before_the_old_one_stops(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    reads(shop, "on_sqs_message", name="labour", queue="orders")
    cloud.calls.clear()

    shop.deployer.deploy()

    assert order_of(cloud) == ["CreateEventSourceMapping", "DeleteEventSourceMapping"]
    assert pairs(cloud) == [(LIVE.replace("work", "labour"), QUEUE)]
    assert deploy_again(shop) == []


def test_a_removed_handlers_mapping_goes_before_what_it_calls(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    shop.app = App("shop")
    shop.app.get("/")(lambda: "hello")
    shop.deployer.deploy()

    removals = [one for one in cloud.changes if one.startswith("Delete")]
    assert removals[:3] == ["DeleteEventSourceMapping", "DeleteAlias", "DeleteFunction"]
    assert there(cloud) == []
    assert deploy_again(shop) == []


def test_delete_removes_mappings_whatever_has_become_of_their_sources(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    sqs = cloud.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="orders")["QueueUrl"])

    shop.deployer.delete()

    assert there(cloud) == []


def test_whoever_loses_a_mapping_is_asked() -> None:
    assert KINDS["event-source-mapping"].loses == "an answer or events"


def test_a_mapping_that_is_gone_already_is_no_failure(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    changes = shop.deployer.changes

    def gone(name: str, params: dict[str, Any]) -> None:
        if name == "GetEventSourceMapping":
            for one in there(cloud):
                cloud.client("lambda").delete_event_source_mapping(UUID=one["UUID"])

    cloud.before_call = gone
    shop.deployer.delete()
    assert "DeleteEventSourceMapping" not in cloud.calls

    cloud.before_call = None
    assert changes()


def test_a_mapping_that_goes_under_our_hands_is_no_failure(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()

    def gone(name: str, params: dict[str, Any]) -> None:
        if name == "DeleteEventSourceMapping":
            raise refused(cloud, name, "ResourceNotFoundException")

    cloud.before_call = gone
    shop.deployer.delete()

    assert "DeleteEventSourceMapping" in cloud.calls
    assert "DeleteFunction" in cloud.calls


# Interruptions ---------------------------------------------------------------------------------------

BOTH = pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])


def interrupted(project: Project, call: str, *, lost: bool) -> None:
    (lose_reply_of if lost else fail_at)(project.cloud, call)
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    project.cloud.before_call = project.cloud.lost = None


@BOTH
@pytest.mark.slow  # one deploy or more for each call that may fail
@pytest.mark.parametrize(
    "call", ["PutRolePolicy", "CreateFunction", "CreateAlias", "CreateEventSourceMapping"]
)
def test_a_first_deploy_that_ends_anywhere_converges_on_the_next(
    shop: Project, cloud: Cloud, call: str, lost: bool
) -> None:
    interrupted(shop, call, lost=lost)

    shop.deployer.deploy()

    assert pairs(cloud) == [(LIVE, QUEUE)]
    assert deploy_again(shop) == []


@BOTH
@pytest.mark.parametrize("call", ["GetEventSourceMapping", "UpdateEventSourceMapping"])
def test_a_change_that_ends_anywhere_converges_on_the_next(
    shop: Project, cloud: Cloud, call: str, lost: bool
) -> None:
    shop.deployer.deploy()
    reads(shop, "on_sqs_message", queue="orders", batch_size=5)
    interrupted(shop, call, lost=lost)

    shop.deployer.deploy()

    (now,) = there(cloud)
    assert now["BatchSize"] == 5
    assert deploy_again(shop) == []


@BOTH
@pytest.mark.parametrize("call", ["CreateEventSourceMapping", "DeleteEventSourceMapping"])
def test_a_change_of_source_that_ends_anywhere_converges_on_the_next(
    shop: Project, cloud: Cloud, call: str, lost: bool
) -> None:
    shop.deployer.deploy()
    make_queue(cloud, "returns")
    reads(shop, "on_sqs_message", queue="returns")
    interrupted(shop, call, lost=lost)
    assert pairs(cloud)  # somebody reads at all times

    shop.deployer.deploy()

    assert pairs(cloud) == [(LIVE, QUEUE.replace("orders", "returns"))]
    assert deploy_again(shop) == []


@BOTH
@pytest.mark.slow  # one deploy or more for each call that may fail
@pytest.mark.parametrize("call", ["GetEventSourceMapping", "DeleteEventSourceMapping", "DeleteAlias"])
def test_a_delete_that_ends_anywhere_goes_on_with_the_next(
    shop: Project, cloud: Cloud, call: str, lost: bool
) -> None:
    shop.deployer.deploy()
    (lose_reply_of if lost else fail_at)(cloud, call)
    with pytest.raises(DeployFailed):
        shop.deployer.delete(logs=True)
    cloud.before_call = cloud.lost = None

    shop.deployer.delete(logs=True)

    assert there(cloud) == []
    assert cloud.client("lambda").list_functions()["Functions"] == []


def hide_mappings(cloud: Cloud, times: int) -> None:
    """Let the list lag: its first answers name none."""
    answers: list[int] = []

    def hide(answer: dict[str, Any]) -> None:
        answers.append(1)
        if len(answers) <= times:
            answer["EventSourceMappings"] = []

    on_answer(cloud, "lambda", "ListEventSourceMappings", hide)


def test_a_pair_that_exists_although_no_list_named_it_is_used(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    reads(shop, "on_sqs_message", queue="orders", batch_size=5)
    hide_mappings(cloud, times=4)  # twice the lists of alias and function: before the lock and under it

    shop.deployer.deploy()

    (now,) = there(cloud)
    assert now["BatchSize"] == 5
    assert deploy_again(shop) == []


def test_a_conflict_with_what_is_not_to_be_found_is_told(shop: Project, cloud: Cloud) -> None:
    def conflict(name: str, params: dict[str, Any]) -> None:
        if name == "CreateEventSourceMapping":
            raise refused(cloud, name, "ResourceConflictException")

    cloud.before_call = conflict

    with pytest.raises(
        DeployFailed,
        match="creating the event source mapping 'orders' failed: .* answered ResourceConflictException",
    ):
        shop.deployer.deploy()


# Waiting ---------------------------------------------------------------------------------------------


def in_state(cloud: Cloud, call: str, *states: str) -> None:
    """Let the answers of a call tell these states, one after the other, then moto's own."""
    left = list(states)

    def tell(answer: dict[str, Any]) -> None:
        if left and "State" in answer:
            answer["State"] = left.pop(0)

    on_answer(cloud, "lambda", call, tell)


@pytest.fixture
def waited(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """List what is waited, without waiting."""
    seconds: list[float] = []
    monkeypatch.setattr(cloud.aws, "sleep", seconds.append)
    return seconds


def test_a_new_mapping_is_waited_for_until_lambda_polls(
    shop: Project, cloud: Cloud, waited: list[float]
) -> None:
    in_state(cloud, "CreateEventSourceMapping", "Creating")
    in_state(cloud, "GetEventSourceMapping", "Creating", "Enabling")

    shop.deployer.deploy()

    assert waited == [0.5, 1, 1]
    assert cloud.calls.count("GetEventSourceMapping") == 3


def test_a_change_waits_for_the_one_before_it(shop: Project, cloud: Cloud, waited: list[float]) -> None:
    shop.deployer.deploy()
    reads(shop, "on_sqs_message", queue="orders", batch_size=5)
    in_state(cloud, "GetEventSourceMapping", "Updating", "Updating")
    in_state(cloud, "UpdateEventSourceMapping", "Updating")
    cloud.calls.clear()

    shop.deployer.deploy()

    at = cloud.calls.index("UpdateEventSourceMapping")
    assert cloud.calls[at - 3 : at + 2] == [
        *["GetEventSourceMapping"] * 3,
        "UpdateEventSourceMapping",
        "GetEventSourceMapping",
    ]
    assert waited == [0.5, 1, 0.5]


def test_a_removal_waits_until_the_mapping_is_gone(shop: Project, cloud: Cloud, waited: list[float]) -> None:
    shop.deployer.deploy()
    shop.app = App("shop")
    shop.app.get("/")(lambda: "hello")
    cloud.calls.clear()

    shop.deployer.deploy()

    at = cloud.calls.index("DeleteEventSourceMapping")
    assert cloud.calls[at - 1 : at + 3] == [
        *("GetEventSourceMapping", "DeleteEventSourceMapping", "GetEventSourceMapping", "DeleteAlias")
    ]
    assert waited == [0.5]


def test_one_that_is_being_deleted_is_made_anew_once_it_is_gone(
    shop: Project, cloud: Cloud, waited: list[float]
) -> None:
    shop.deployer.deploy()
    (old,) = there(cloud)

    def deleting(answer: dict[str, Any]) -> None:
        for one in answer["EventSourceMappings"]:
            if one["UUID"] == old["UUID"]:
                one["State"] = "Deleting"

    def looked(answer: dict[str, Any]) -> None:
        if answer.get("UUID") == old["UUID"]:
            answer["State"] = "Deleting"
            cloud.client("lambda").delete_event_source_mapping(UUID=old["UUID"])

    on_answer(cloud, "lambda", "ListEventSourceMappings", deleting)
    on_answer(cloud, "lambda", "GetEventSourceMapping", looked)

    (change,) = shop.deployer.deploy().changes

    assert change.action == "create"
    (new,) = there(cloud)
    assert new["UUID"] != old["UUID"]
    assert waited == [0.5]


def test_a_mapping_that_lambda_does_not_switch_on_is_told_with_its_reason(
    shop: Project, cloud: Cloud
) -> None:
    def off(answer: dict[str, Any]) -> None:
        answer.update(State="Disabled", StateTransitionReason="no access")

    on_answer(cloud, "lambda", "CreateEventSourceMapping", off)

    with pytest.raises(
        DeployFailed, match="does not poll 'orders' for the handler 'work'; .* Disabled: no access"
    ):
        shop.deployer.deploy()


def test_waiting_ends(shop: Project, cloud: Cloud, waited: list[float]) -> None:
    in_state(cloud, "CreateEventSourceMapping", "Creating")
    in_state(cloud, "GetEventSourceMapping", *["Creating"] * 200)

    with pytest.raises(DeployFailed, match=r"not through with the event source mapping [0-9a-f-]+ in five"):
        shop.deployer.deploy()

    assert 290 < sum(waited) < 330


def test_moto_still_differs_as_the_fixture_says(
    shop: Project, cloud: Cloud, mended: pytest.MonkeyPatch
) -> None:
    shop.deployer.deploy()
    mended.undo()
    client = cloud.client("lambda")

    answer = client.create_event_source_mapping(FunctionName=LIVE, EventSourceArn=QUEUE)

    assert re.fullmatch(rf"{FUNCTION}:\d+", answer["FunctionArn"])
    assert client.list_event_source_mappings(FunctionName="shop-dev-work:live")["EventSourceMappings"] == []
