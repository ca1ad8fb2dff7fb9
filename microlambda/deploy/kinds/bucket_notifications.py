"""Notifications of buckets to our aliases. A bucket has one list of them for everybody, written as a whole.

Ours are those that call one of our aliases; all others stay as they are. They are looked for in the buckets
that the plan names and in those that the resource policies of our functions name. S3 refuses two for one key,
so what one handler leaves to another changes hands in one call. That a bucket sends its events to
EventBridge is switched on where a rule needs it, and stays on: others may listen, too.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from microlambda.deploy.errors import DeployFailed
from microlambda.deploy.explain import error_code
from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known
from microlambda.deploy.kinds.callers import callers
from microlambda.deploy.kinds.function import is_left, live_arn
from microlambda.deploy.observed import Seen
from microlambda.plan.buckets import S3
from microlambda.plan.records import BucketNotifications
from microlambda.runtime.events.arns import last_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

    Notification = tuple[tuple[str, ...], str, str]  # events, prefix, suffix

_FUNCTIONS = "LambdaFunctionConfigurations"
_BUS = "EventBridgeConfiguration"

#: What our notifications are called by.
_MARK = "microlambda-"


class BucketNotificationsDeployer(KindDeployer[BucketNotifications]):
    """What buckets tell our functions."""

    kind = BucketNotifications.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[BucketNotifications], functions: Sequence[str]
    ) -> list[Seen]:
        """Read every bucket that may call one of our aliases."""
        wanted = {one.name: one for one in planned}
        known = {last_part(arn) for arn in callers(aws, scope, functions, S3)}
        buckets = sorted({*wanted, *known})
        read = aws.each(lambda bucket: _read(aws, bucket, wanted.get(bucket)), buckets)
        names = {live_arn(aws, name): name for name in {*functions, *(one.function_name for one in planned)}}
        return [
            seen
            for bucket, told in zip(buckets, read, strict=True)
            if told is not None
            for seen in _seen(bucket, told, names, planned)
        ]

    def compare(self, record: BucketNotifications, seen: Seen, known: Known) -> list[str]:
        """Compare events, prefixes and suffixes, in whatever order."""
        del known
        if record.on_bus:
            return [] if seen.state["on_bus"] else ["EventBridge"]
        return [] if seen.state["notifications"] == set(record.notifications) else ["notifications"]

    def create(self, job: Job, record: BucketNotifications) -> Attributes:
        """Add ours to the bucket's list; S3 asks whether it may call, which it may for a moment only."""
        told = _read(job.aws, record.name, record) or {}
        if record.on_bus:
            told[_BUS] = {}
        else:
            told[_FUNCTIONS] = _merged(job, record, told.get(_FUNCTIONS, []))
        _write(job, record.name, told)
        return {}

    def update(self, job: Job, record: BucketNotifications, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Put ours into the places of ours."""
        del seen, reasons
        return self.create(job, record)

    def remove(self, job: Job, seen: Seen) -> None:
        """Take ours out of the bucket's list."""
        told = _read(job.aws, seen.name, None)
        if told is None:
            return
        there = told.get(_FUNCTIONS, [])
        others = [one for one in there if one["LambdaFunctionArn"] != seen.state["alias"]]
        if len(others) < len(there):
            told[_FUNCTIONS] = others
            _write(job, seen.name, told)


def _read(aws: Aws, bucket: str, planned: BucketNotifications | None) -> dict[str, Any] | None:
    """Read a bucket's list; None for one that has gone, unless it is planned."""
    client = aws.client("s3")
    try:
        answer = client.get_bucket_notification_configuration(
            Bucket=bucket, ExpectedBucketOwner=aws.identity.account
        )
    except ClientError as exc:
        if error_code(exc) not in {"NoSuchBucket", "404"}:
            raise
        if planned is None:
            return None
        raise DeployFailed(
            f"the bucket {bucket!r} of the handler {planned.key!r} does not exist. Create it, in "
            f"{aws.region}, or name another: bucket=..."
        ) from exc
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def _write(job: Job, bucket: str, told: Mapping[str, Any]) -> None:
    job.call(
        job.aws.client("s3").put_bucket_notification_configuration,
        Bucket=bucket,
        NotificationConfiguration={name: value for name, value in told.items() if value or name == _BUS},
        ExpectedBucketOwner=job.aws.identity.account,
    )


def _seen(
    bucket: str,
    told: Mapping[str, Any],
    names: Mapping[str, str],
    planned: Sequence[BucketNotifications],
) -> Iterable[Seen]:
    """Give what calls our aliases, and of what is planned on the bus whether the bucket sends there."""
    for alias in dict.fromkeys(one["LambdaFunctionArn"] for one in told.get(_FUNCTIONS, [])):
        if alias in names:
            ours = [one for one in told[_FUNCTIONS] if one["LambdaFunctionArn"] == alias]
            yield _one(bucket, names[alias], {"alias": alias, "notifications": set(map(_notification, ours))})
    for record in planned:
        if record.on_bus and record.name == bucket and _BUS in told:
            yield _one(bucket, record.function_name, {"on_bus": True})


def _one(bucket: str, function: str, state: Mapping[str, Any]) -> Seen:
    whole = {"alias": "", "notifications": set(), "on_bus": False, **state}
    kind = BucketNotifications.kind
    return Seen(kind=kind, address=f"{function}/{bucket}", name=bucket, state=whole)


def _notification(configuration: Mapping[str, Any]) -> Notification:
    rules = configuration.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    values = {one["Name"].lower(): one["Value"] for one in rules}
    return tuple(configuration["Events"]), values.get("prefix", ""), values.get("suffix", "")


def _merged(
    job: Job, record: BucketNotifications, there: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Write the bucket's whole list: others' as they are, and ours as planned, as far as they exist."""
    calling = {one["LambdaFunctionArn"] for one in there}
    planned = {
        job.value(one.target): one
        for one in job.plan.of_kind(BucketNotifications.kind)
        if isinstance(one, BucketNotifications)
        and (one.name, one.on_bus) == (record.name, False)
        and (one.target.kind, one.target.key) in job.attributes
    }
    kept = [one for one in there if one["LambdaFunctionArn"] not in planned and not _is_left(job, one)]
    ours = [(alias, one) for alias, one in planned.items() if one is record or alias in calling]
    return [*kept, *(notification for alias, one in ours for notification in _ours(one, alias))]


def _is_left(job: Job, configuration: Mapping[str, Any]) -> bool:
    return configuration.get("Id", "").startswith(_MARK) and is_left(job, configuration["LambdaFunctionArn"])


def _ours(record: BucketNotifications, alias: str) -> list[dict[str, Any]]:
    return [
        {
            "Id": f"{_MARK}{record.function_name}-{number}",
            "LambdaFunctionArn": alias,
            "Events": list(events),
            **_filter(prefix, suffix),
        }
        for number, (events, prefix, suffix) in enumerate(record.notifications, start=1)
    ]


def _filter(prefix: str, suffix: str) -> dict[str, Any]:
    """Write what a key begins and ends with; nothing where that is anything: S3 takes no empty list."""
    named = {"prefix": prefix, "suffix": suffix}
    rules = [{"Name": name, "Value": value} for name, value in named.items() if value]
    return {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}
