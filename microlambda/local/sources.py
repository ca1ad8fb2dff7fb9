"""What handlers of events wait for, made in an AWS on this machine, which starts empty.

On AWS queues, streams, tables, topics, buckets and buses exist before the app is deployed, and the deployer
never makes them. Here nobody else could.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from microlambda.plan.records import (
    Arn,
    BucketNotifications,
    EventSourceMapping,
    Function,
    InvokeConfig,
    LogSubscription,
    Rule,
    Schedule,
    Subscription,
)
from microlambda.plan.rules import DEFAULT_BUS
from microlambda.runtime.events.arns import is_arn, last_part, resource_part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microlambda.plan.plan import Plan
    from microlambda.plan.records import Record

#: What makes the client of a service.
Client = Callable[..., Any]

#: Of the region without a name in S3: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
_UNPLACED = "us-east-1"

_LONGEST = 43_200  # s, that a queue hides a message


def make_sources(client: Client, plan: Plan, account: str) -> list[str]:
    """Make what the plan's handlers read, and where what they fail goes; give a word for each.

    What is another account's cannot be made.
    """
    made = {one: None for record in plan.records for one in _make(client, record, account)}
    for record in plan.records:  # after what is read: a queue may be both
        made.update((one, None) for one in _make_places(client, record, account))
    return list(made)


def waiting(plan: Plan, account: str) -> list[str]:
    """Name the handlers that nothing fires here: what they wait for belongs to another account."""
    keys = {
        key: None
        for record in plan.records
        for key, place in _waits_for(record)
        if not _is_here(place, account)
    }
    return list(keys)


def losing(plan: Plan, account: str) -> list[str]:
    """Name the handlers whose failed events go nowhere from here: to what belongs to another account."""
    keys = {
        record.key: None
        for record in plan.records
        for place in _failure_places(record)
        if not _is_here(place, account)
    }
    return list(keys)


def _failure_places(record: Record) -> Iterable[str]:
    """Give the ARNs of where a record sends events that failed to the end."""
    places: tuple[str | None, ...] = ()
    if isinstance(record, Function):
        places = (record.dead_letter,)
    elif isinstance(record, EventSourceMapping | InvokeConfig):
        places = (record.on_failure,)
    elif isinstance(record, Schedule):
        places = (record.dead_letter_queue,)
    return [place for place in places if place is not None]


def _make_places(client: Client, record: Record, account: str) -> Iterable[str]:
    for place in _failure_places(record):
        service, region = place.split(":")[2:4]
        make = _PLACES.get(service)  # a function of somebody's cannot be made
        if make is not None and _is_here(place, account):
            placed = partial(client, region_name=region) if region else client
            yield make(placed, last_part(place))


def _waits_for(record: Record) -> Iterable[tuple[str, Arn | str]]:
    """Give the handler of a record, and what it waits for."""
    if isinstance(record, EventSourceMapping):
        yield record.key, record.source
    elif isinstance(record, Subscription):
        yield record.target.key, record.topic
    elif isinstance(record, LogSubscription):
        yield record.key, record.declared
    elif isinstance(record, Rule):
        yield record.target.key, record.bus


def _make(client: Client, record: Record, account: str) -> Iterable[str]:
    if isinstance(record, EventSourceMapping) and _is_here(record.source, account):
        yield _SOURCES[record.service](client, record)
    elif isinstance(record, Subscription) and _is_here(record.topic, account):
        yield _make_topic(client, last_part(record.declared))
    elif isinstance(record, BucketNotifications):
        yield _make_bucket(client, record.name)
    elif isinstance(record, LogSubscription) and record.own is None and _is_here(record.declared, account):
        yield _make_log_group(client, record.name)
    elif isinstance(record, Rule) and record.bus != DEFAULT_BUS and _is_here(record.bus, account):
        yield _make_bus(client, last_part(record.bus).removeprefix("event-bus/"))


def _is_here(place: Arn | str, account: str) -> bool:
    """Whether something is in this account; ARNs of buckets name none."""
    return not isinstance(place, str) or not is_arn(place) or place.split(":")[4] in (account, "")


def _make_queue(client: Client, record: EventSourceMapping) -> str:
    """Make a queue that hides a message as long as AWS advises: six times the timeout, and the window.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    hidden = min(6 * record.timeout + (record.window or 0), _LONGEST)
    return _make_queue_with(client, record.name, VisibilityTimeout=str(hidden))


def _make_queue_with(client: Client, name: str, **attributes: str) -> str:
    if name.endswith(".fifo"):
        attributes["FifoQueue"] = "true"
    sqs = client("sqs")
    urls = sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", ())
    if name not in {url.rpartition("/")[2] for url in urls}:
        sqs.create_queue(QueueName=name, Attributes=attributes)
    return f"queue {name}"


def _make_topic(client: Client, name: str) -> str:
    client("sns").create_topic(Name=name)
    return f"topic {name}"


def _make_stream(client: Client, record: EventSourceMapping) -> str:
    name = record.name.partition("/")[0]
    kinesis = client("kinesis")
    if name not in kinesis.list_streams(Limit=10_000)["StreamNames"]:
        kinesis.create_stream(StreamName=name, ShardCount=1)
    return f"stream {name}"


def _make_table(client: Client, record: EventSourceMapping) -> str:
    """Make a table with a stream; nothing tells its key, so that is `id`, a string."""
    name = resource_part(record.name, "table")
    dynamodb = client("dynamodb")
    if name not in dynamodb.list_tables()["TableNames"]:
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
    return f"table {name} (key: id)"


def _make_bucket(client: Client, name: str) -> str:
    s3 = client("s3")
    if name not in {one["Name"] for one in s3.list_buckets()["Buckets"]}:
        region = s3.meta.region_name
        place = {} if region == _UNPLACED else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **place)
    return f"bucket {name}"


def _make_log_group(client: Client, name: str) -> str:
    logs = client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    if name not in {one["logGroupName"] for one in groups}:
        logs.create_log_group(logGroupName=name)
    return f"log group {name}"


def _make_bus(client: Client, name: str) -> str:
    events = client("events")
    if name not in {one["Name"] for one in events.list_event_buses()["EventBuses"]}:
        events.create_event_bus(Name=name)
    return f"bus {name}"


_SOURCES: dict[str, Callable[[Client, EventSourceMapping], str]] = {
    "sqs": _make_queue,
    "kinesis": _make_stream,
    "dynamodb": _make_table,
}

_PLACES: dict[str, Callable[[Client, str], str]] = {
    "sqs": _make_queue_with,
    "sns": _make_topic,
    "s3": _make_bucket,
    "events": _make_bus,
}
