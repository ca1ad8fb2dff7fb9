"""Queues and streams that Lambda polls: an event source mapping each, and a role that may read that one.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from microlambda.plan.asynchronous import sending
from microlambda.plan.errors import PlanError
from microlambda.plan.records import Arn, EventSourceMapping
from microlambda.plan.wiring import Wiring
from microlambda.runtime.events.arns import is_arn, resource_part

if TYPE_CHECKING:
    from microlambda.plan.wiring import Target
    from microlambda.runtime.triggers.dynamodb import DynamoDBTrigger
    from microlambda.runtime.triggers.kinesis import KinesisTrigger
    from microlambda.runtime.triggers.mapping import MappingTrigger
    from microlambda.runtime.triggers.sqs import SqsTrigger
    from microlambda.runtime.triggers.stream import StreamTrigger

STREAM = "/stream/"
_CONSUMER = "/consumer/"

#: So Lambda writes that a batch is tried, and a record is good, without end.
ENDLESS = -1

# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_OF_QUEUES = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
# https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
_OF_TABLES = (
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
)
# https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html
_OF_STREAMS = (
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
)


def plan_queue(trigger: SqsTrigger, target: Target) -> Wiring:
    """Plan `@app.on_sqs_message`."""
    source = _source(trigger, trigger.queue, Arn(service="sqs", resource=trigger.queue), target)
    record = EventSourceMapping(
        # a FIFO queue knows no window, not even one of 0 s
        window=None if trigger.is_fifo else trigger.maximum_batching_window_in_seconds,
        maximum_concurrency=trigger.maximum_concurrency,
        **_common(trigger, source, target),
    )
    return _wiring(record, _allow(_OF_QUEUES, source))


def plan_table(trigger: DynamoDBTrigger, target: Target) -> Wiring:
    """Plan `@app.on_dynamodb_record`; of a table's streams the role may read all, for AWS labels them."""
    table = Arn(service="dynamodb", resource=f"table/{trigger.table}")
    source = _source(trigger, trigger.table, table, target)
    record = EventSourceMapping(**_common(trigger, source, target), **_reading(trigger))
    streams = source if trigger.stream_arn else _below(source, f"{STREAM}*")
    return _wiring(record, _allow(_OF_TABLES, streams))


def plan_stream(trigger: KinesisTrigger, target: Target) -> Wiring:
    """Plan `@app.on_kinesis_record`, of a stream or of a consumer with a throughput of its own."""
    by_name = Arn(service="kinesis", resource=f"stream/{trigger.stream}")
    source = _source(trigger, trigger.stream, by_name, target)
    record = EventSourceMapping(**_common(trigger, source, target), **_reading(trigger))
    statements = [_allow(_OF_STREAMS, _without_consumer(source)), _allow(("kinesis:ListStreams",), "*")]
    if _CONSUMER in trigger.stream:
        statements.append(_allow(("kinesis:SubscribeToShard",), source))
    return _wiring(record, *statements)


def canonical(pattern: object) -> str:
    """Write a filter's pattern in the one way in which equal ones are equal."""
    # not escaped: of what AWS takes at most 4,096 characters are counted so
    return json.dumps(pattern, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def source_name(arn: str) -> str:
    """Name a queue, a table, a stream or a consumer in a word."""
    service, resource = arn.split(":", 5)[2::3]
    return resource_part(resource, "table") if service == "dynamodb" else resource.removeprefix("stream/")


def _source(trigger: MappingTrigger, declared: str, by_name: Arn, target: Target) -> Arn | str:
    if not is_arn(declared):
        return by_name
    region, ours = declared.split(":")[3], target.scope.region
    if region != ours:
        raise PlanError(
            f"the handler {target.key!r} reads from the region {region!r}: {trigger.declared()}. Lambda "
            f"reads from its own alone, and stage {target.scope.stage!r} is in {ours!r}. Name a source in "
            f"{ours!r}, or deploy to the other: region = {json.dumps(region)}"
        )
    return declared


def _common(trigger: MappingTrigger, source: Arn | str, target: Target) -> dict[str, Any]:
    return {
        "key": target.key,
        "name": source_name(str(source)),
        "alias": target.alias,
        "function_name": target.function_name,
        "timeout": target.timeout,
        "source": source,
        "batch_size": trigger.batch_size,
        "filters": tuple(sorted({canonical(one) for one in trigger.filters})),
        "reports_failures": trigger.reports_failures,
    }


def _reading(trigger: StreamTrigger) -> dict[str, Any]:
    """Give what streams alone have, in full, so that an update takes back what is declared no longer."""
    start = trigger.starting_position_timestamp
    return {
        "window": trigger.maximum_batching_window_in_seconds,
        "starting_position": trigger.starting_position,
        "starting_timestamp": None if start is None else start.isoformat(),
        "parallelization_factor": trigger.parallelization_factor,
        "bisect": trigger.bisect_batch_on_error,
        "retries": ENDLESS if trigger.retries is None else trigger.retries,
        "maximum_age": ENDLESS if trigger.maximum_age is None else trigger.maximum_age,
        "on_failure": trigger.on_failure,
    }


def _below(source: Arn | str, suffix: str) -> Arn | str:
    if isinstance(source, Arn):
        return Arn(service=source.service, resource=f"{source.resource}{suffix}")
    return f"{source}{suffix}"


def _without_consumer(source: Arn | str) -> Arn | str:
    return source if isinstance(source, Arn) else source.partition(_CONSUMER)[0]


def _allow(actions: tuple[str, ...], resource: Arn | str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def _wiring(record: EventSourceMapping, *statements: dict[str, Any]) -> Wiring:
    policies = {"microlambda-source": {"Version": "2012-10-17", "Statement": list(statements)}}
    if record.on_failure is not None:
        policies["microlambda-failures"] = sending([record.on_failure])
    return Wiring(records=(record,), policies=policies)
