"""Event source mappings: what Lambda polls for the alias `live`, and how.

They are found by their function and their source, for AWS keeps one of each pair. A mapping that somebody
put on the function itself is moved to the alias. Another source is another mapping, made before the old one
goes; so is the next stream of a table whose stream was switched off and on. Where a reader starts is said
when it is made, and means nothing to one that is there.
https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from microlambda.deploy.errors import DeployFailed
from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known, difference
from microlambda.deploy.observed import Seen
from microlambda.plan.compile import LIVE
from microlambda.plan.mappings import STREAM, canonical, source_name
from microlambda.plan.records import Arn, EventSourceMapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

    Described = Mapping[str, Any]  # a mapping as Lambda describes it

# Seconds between looks at a mapping that Lambda works on: some five minutes in all.
_LOOKS = (0.5, 1, 1, 2, 2, *([3] * 100))

_DELETING = "Deleting"
_MOVING = ("Creating", "Enabling", "Disabling", "Updating", _DELETING)
_REPORTS = "ReportBatchItemFailures"

#: What reasons call the settings: by a word alone, or with their values and unit.
_WORDS = {"FilterCriteria": "filters", "FunctionResponseTypes": "failure reports"}
_VALUES = {
    "BatchSize": ("batch size", ""),
    "MaximumBatchingWindowInSeconds": ("window", " s"),
    "ScalingConfig": ("maximum concurrency", ""),
    "ParallelizationFactor": ("parallelization factor", ""),
    "BisectBatchOnFunctionError": ("bisect", ""),
    "MaximumRetryAttempts": ("retries", ""),
    "MaximumRecordAgeInSeconds": ("maximum age", " s"),
    "DestinationConfig": ("on failure", ""),
}

#: How an update takes away what is planned no longer.
#: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
_NOTHING: dict[str, Any] = {
    "FilterCriteria": {},
    "FunctionResponseTypes": [],
    "ScalingConfig": {},
    "DestinationConfig": {"OnFailure": {"Destination": ""}},
}


class MappingDeployer(KindDeployer[EventSourceMapping]):
    """Event source mappings of Lambda functions."""

    kind = EventSourceMapping.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[EventSourceMapping], functions: Sequence[str]
    ) -> list[Seen]:
        """List the mappings of our functions; what is planned to be read has to be there, and readable."""
        del scope
        sources = aws.each(lambda record: find_source(aws, record), planned)
        addresses = {
            (record.function_name, source): record.address
            for record, source in zip(planned, sources, strict=True)
        }
        listed = aws.each(lambda name: _list(aws, name), functions)
        return [
            _seen(name, one, addresses)
            for name, some in zip(functions, listed, strict=True)
            for one in some
            if one.get("State") != _DELETING  # as good as gone; who makes it anew waits for that
        ]

    def compare(self, record: EventSourceMapping, seen: Seen, known: Known) -> list[str]:
        """Compare what it calls, every setting, and whether it is switched on."""
        del known
        now, planned = seen.state, _read(_settings(record))
        return [
            *([] if now["is_live"] else [f"alias {LIVE}"]),
            *(what for name, what in _WORDS.items() if now[name] != planned[name]),
            *(
                reason
                for name, (what, unit) in _VALUES.items()
                for reason in difference(what, now[name], planned[name], unit)
            ),
            *([] if now["is_on"] else ["enabled"]),
        ]

    def create(self, job: Job, record: EventSourceMapping) -> Attributes:
        """Make it and wait until Lambda polls; one of the same pair, whose reply was lost, is used."""
        source = find_source(job.aws, record)
        try:
            return _create(job, record, source)
        except job.aws.client("lambda").exceptions.ResourceConflictException:
            there = [one for one in _list(job.aws, record.function_name) if _source(one) == source]
            if not there:
                raise
        return _write(job, record, source, there[0]["UUID"])

    def update(self, job: Job, record: EventSourceMapping, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Write all settings, after Lambda is through with what was asked of it before."""
        del reasons
        return _write(job, record, seen.state["source"], seen.attributes["id"])

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove it, and wait until it is gone: until then its pair cannot be made anew."""
        client, name = job.aws.client("lambda"), seen.attributes["id"]
        there = _rested(job.aws, name, _look(job.aws, name))
        if there is None:
            return
        with suppress(client.exceptions.ResourceNotFoundException):
            _rested(job.aws, name, client.delete_event_source_mapping(UUID=name))


# Sources ---------------------------------------------------------------------------------------------


def find_source(aws: Aws, record: EventSourceMapping) -> str:
    """Give the ARN to poll; `DeployFailed` where there is none, or Lambda would refuse it."""
    source = record.source
    arn = aws.arn(source.service, source.resource) if isinstance(source, Arn) else source
    if record.service == "dynamodb" and STREAM not in arn:
        return _stream_of(aws, record)
    if record.service == "sqs":
        _check_queue(aws, record, arn)
    return arn


def _stream_of(aws: Aws, record: EventSourceMapping) -> str:
    client = aws.client("dynamodb")
    name = record.name if isinstance(record.source, Arn) else record.source
    try:
        table = client.describe_table(TableName=name)["Table"]
    except client.exceptions.ResourceNotFoundException as exc:
        raise _missing(aws, record, "table", "with a stream") from exc
    # the ARN stays for a day after the stream was switched off
    if not table.get("StreamSpecification", {}).get("StreamEnabled"):
        raise DeployFailed(
            f"the handler {record.key!r} reads the stream of the table {record.name!r}, which has none. "
            f"Switch it on: aws dynamodb update-table --region {aws.region} --table-name {name} "
            "--stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"
        )
    return str(table["LatestStreamArn"])


def _check_queue(aws: Aws, record: EventSourceMapping, arn: str) -> None:
    """Compare timeouts as Lambda does; it alone may look at a queue of another account."""
    client, account = aws.client("sqs"), arn.split(":")[4]
    if account != aws.identity.account:
        return
    try:
        url = client.get_queue_url(QueueName=record.name)["QueueUrl"]
        answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    except client.exceptions.QueueDoesNotExist as exc:
        raise _missing(aws, record, "queue") from exc
    hidden = int(answer["Attributes"]["VisibilityTimeout"])
    if hidden < record.timeout:
        raise DeployFailed(
            f"the queue {record.name!r} gives a message out again after {hidden} s, before the function of "
            f"the handler {record.key!r} times out: {record.timeout} s. Lambda refuses that. Set the queue's "
            f"visibility timeout to {6 * record.timeout} s, as AWS advises, or at least to "
            f"{record.timeout} s; or write a shorter one under [functions.{record.key}]: timeout = {hidden}"
        )


def _missing(aws: Aws, record: EventSourceMapping, what: str, how: str = "") -> DeployFailed:
    return DeployFailed(
        f"the handler {record.key!r} reads the {what} {record.name!r}, which is not there in {aws.region}. "
        f"Make it first{f', {how}' if how else ''}: the deployer does not."
    )


def _list(aws: Aws, function: str) -> list[Described]:
    """List the mappings of the alias, then those of the function itself; others' aliases are theirs."""
    plain = aws.arn("lambda", f"function:{function}")
    of_alias = [{**one, "is_live": True} for one in _pages(aws, f"{plain}:{LIVE}")]
    known = {one["UUID"] for one in of_alias}
    of_function = [
        {**one, "is_live": False}
        for one in _pages(aws, function)
        if one["UUID"] not in known and one.get("FunctionArn") in (plain, f"{plain}:$LATEST")
    ]
    return [*_ordered(of_alias), *_ordered(of_function)]


def _ordered(mappings: Sequence[Described]) -> list[Described]:
    return sorted(mappings, key=lambda one: str(one["UUID"]))


def _pages(aws: Aws, function: str) -> list[Described]:
    client = aws.client("lambda")
    pages = client.get_paginator("list_event_source_mappings").paginate(FunctionName=function)
    try:
        return [one for page in pages for one in page["EventSourceMappings"]]
    except client.exceptions.ResourceNotFoundException:
        return []


def _seen(function: str, mapping: Described, addresses: Mapping[tuple[str, str], str]) -> Seen:
    source = _source(mapping)
    return Seen(
        kind=EventSourceMapping.kind,
        address=addresses.get((function, source), f"{function}/{source}"),
        name=source_name(source) if source.startswith("arn:") else source,
        attributes=_attributes(mapping),
        state={
            **_read(mapping),
            "source": source,
            "is_live": mapping["is_live"],
            "is_on": mapping.get("State") not in ("Disabling", "Disabled"),
        },
    )


def _source(mapping: Described) -> str:
    """Give the ARN of what is polled; some of the kinds that are not ours have none."""
    return str(mapping.get("EventSourceArn") or mapping["UUID"])


def _attributes(mapping: Described) -> Attributes:
    return {"id": mapping["UUID"], "arn": mapping.get("EventSourceMappingArn", mapping["UUID"])}


def _read(mapping: Described) -> dict[str, Any]:
    """Take what a plan speaks of, by the names of AWS; what is None is as AWS has it of itself."""
    filters = mapping.get("FilterCriteria", {}).get("Filters", [])
    destination = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return {
        "BatchSize": mapping.get("BatchSize"),
        "MaximumBatchingWindowInSeconds": mapping.get("MaximumBatchingWindowInSeconds") or None,
        "FilterCriteria": sorted(canonical(json.loads(one["Pattern"])) for one in filters) or None,
        "FunctionResponseTypes": mapping.get("FunctionResponseTypes") or None,
        "ScalingConfig": mapping.get("ScalingConfig", {}).get("MaximumConcurrency"),
        "ParallelizationFactor": _unless(1, mapping.get("ParallelizationFactor")),
        "BisectBatchOnFunctionError": mapping.get("BisectBatchOnFunctionError") or None,
        "MaximumRetryAttempts": _unless(-1, mapping.get("MaximumRetryAttempts")),
        "MaximumRecordAgeInSeconds": _unless(-1, mapping.get("MaximumRecordAgeInSeconds")),
        "DestinationConfig": destination or None,
    }


def _unless(default: int, value: int | None) -> int | None:
    return None if value == default else value


# What is written -------------------------------------------------------------------------------------


def _settings(record: EventSourceMapping) -> dict[str, Any]:
    """Give what Lambda is asked for, in its words, without what the source does not know."""
    filters = [{"Pattern": one} for one in record.filters]
    asked = {
        "BatchSize": record.batch_size,
        "MaximumBatchingWindowInSeconds": record.window,
        "FilterCriteria": {"Filters": filters} if filters else None,
        "FunctionResponseTypes": [_REPORTS] if record.reports_failures else None,
        "ScalingConfig": _unless_none("MaximumConcurrency", record.maximum_concurrency),
        "ParallelizationFactor": record.parallelization_factor,
        "BisectBatchOnFunctionError": record.bisect,
        "MaximumRetryAttempts": record.retries,
        "MaximumRecordAgeInSeconds": record.maximum_age,
        "DestinationConfig": _unless_none("OnFailure", _unless_none("Destination", record.on_failure)),
    }
    return {name: value for name, value in asked.items() if value is not None}


def _unless_none(name: str, value: object) -> dict[str, Any] | None:
    return None if value is None else {name: value}


def _start(record: EventSourceMapping) -> dict[str, Any]:
    asked = {
        "StartingPosition": record.starting_position,
        "StartingPositionTimestamp": record.starting_timestamp,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _create(job: Job, record: EventSourceMapping, source: str) -> Attributes:
    answer = job.call(  # again while the role's right to read the source is not known everywhere
        job.aws.client("lambda").create_event_source_mapping,
        FunctionName=job.value(record.alias),
        EventSourceArn=source,
        **_start(record),
        **_settings(record),
    )
    return _attributes(_polling(job.aws, record, answer))


def _write(job: Job, record: EventSourceMapping, source: str, name: str) -> Attributes:
    now = _rested(job.aws, name, _look(job.aws, name))
    if now is None:
        return _create(job, record, source)
    settings, there = _settings(record), _read(now)
    gone = {one: value for one, value in _NOTHING.items() if one not in settings and there[one] is not None}
    answer = job.call(
        job.aws.client("lambda").update_event_source_mapping,
        UUID=name,
        FunctionName=job.value(record.alias),
        Enabled=True,
        **settings,
        **gone,
    )
    return _attributes(_polling(job.aws, record, answer))


def _look(aws: Aws, name: str) -> Described | None:
    client = aws.client("lambda")
    try:
        answer: Described = client.get_event_source_mapping(UUID=name)
    except client.exceptions.ResourceNotFoundException:
        return None
    return answer


def _rested(aws: Aws, name: str, mapping: Described | None) -> Described | None:
    """Wait until Lambda is through with a mapping: before that it refuses a change; None where it is gone."""
    for look in _LOOKS:
        if mapping is None or mapping.get("State") not in _MOVING:
            return mapping
        aws.sleep(look)
        mapping = _look(aws, name)
    raise DeployFailed(
        f"Lambda is not through with the event source mapping {name} in five minutes. "
        "Run the same command again."
    )


def _polling(aws: Aws, record: EventSourceMapping, answer: Described) -> Described:
    mapping = _rested(aws, answer["UUID"], answer)
    if mapping is None or mapping.get("State") != "Enabled":
        state = "gone" if mapping is None else mapping.get("State")
        why = (mapping or {}).get("StateTransitionReason") or "no reason given"
        raise DeployFailed(
            f"Lambda does not poll {record.name!r} for the handler {record.key!r}; the event source mapping "
            f"is {state}: {why}"
        )
    return mapping
