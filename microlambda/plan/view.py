"""Records as plain data for people and programs; of environment variables the names alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from microlambda.plan.function_url import PUBLIC
from microlambda.plan.kinds import KINDS
from microlambda.plan.records import (
    Arn,
    Authorizer,
    BucketNotifications,
    EventSourceMapping,
    Function,
    FunctionUrl,
    Guard,
    HttpApi,
    Layer,
    LogGroup,
    LogSubscription,
    Placed,
    Record,
    Ref,
    RestApi,
    Role,
    Rule,
    Schedule,
    Subscription,
    UsagePlan,
)

#: Fields whose values are secret; their names are shown.
SECRET_FIELDS = ("environment",)


def title(record: Record) -> str:
    """Name a record in a sentence: `function shop-dev-http`."""
    return f"{KINDS[record.kind].title} {record.name}"


def summary(record: Record) -> tuple[str, ...]:
    """Say in a few words what the record asks for, where its name does not; no value of a variable."""
    if isinstance(record, Function):
        variables = " ".join(sorted(record.environment))
        return (
            *(record.runtime, record.architecture, f"{record.memory} MB", f"{record.timeout} s"),
            f"environment {variables}",
            *_beside(record),
        )
    if isinstance(record, Layer | LogGroup | Role):
        return _terms(record)
    if isinstance(record, HttpApi | RestApi | FunctionUrl):
        return _opens(record)
    if isinstance(record, UsagePlan):
        return (f"for {', '.join(one.key for one in record.api_keys)}",)
    if isinstance(record, Rule | Schedule | Subscription | LogSubscription | BucketNotifications):
        return _starts(record)
    return _reads(record) if isinstance(record, EventSourceMapping) else ()


def _opens(record: HttpApi | RestApi | FunctionUrl) -> tuple[str, ...]:
    if isinstance(record, FunctionUrl) and record.auth_type != PUBLIC:
        return ("open to callers of this account",)
    return ("open to the internet", *((record.endpoint_type.lower(),) if isinstance(record, RestApi) else ()))


def _terms(record: Layer | LogGroup | Role) -> tuple[str, ...]:
    if isinstance(record, Layer):
        return record.runtime, record.architecture
    if isinstance(record, Role):
        return tuple(f"policy {arn}" for arn in record.attached)
    return ("kept for ever" if record.retention is None else f"kept for {record.retention} days",)


def _beside(record: Function) -> tuple[str, ...]:
    """Say what a function has that most have not."""
    foreign = [str(layer) for layer in record.layers if isinstance(layer, Placed)]
    network = " ".join((*record.subnets, *record.security_groups))
    return (
        *((f"layers {' '.join(foreign)}",) if foreign else ()),
        *((f"in the VPC of {network}",) if network else ()),
        *(("SnapStart",) if record.snap_start != "None" else ()),
        *((f"runs as {record.role}, which has to allow {' '.join(record.needs)}",) if record.needs else ()),
    )


def _reads(record: EventSourceMapping) -> tuple[str, ...]:
    what = "messages" if record.service == "sqs" else "records"
    start = () if record.starting_position is None else (f"from {record.starting_position}",)
    return (f"{record.batch_size} {what} at a time", *start)


def _starts(
    record: Rule | Schedule | Subscription | LogSubscription | BucketNotifications,
) -> tuple[str, ...]:
    if isinstance(record, BucketNotifications):
        return ("to EventBridge",) if record.on_bus else (f"calls {record.function_name}",)
    if isinstance(record, Subscription):
        return (f"calls {record.function_name}", *(("filtered",) if record.filter_policy else ()))
    if isinstance(record, LogSubscription):
        lines = (f"lines that match {record.pattern}",) if record.pattern else ()
        return (*lines, f"calls {record.function_name}")
    rests = () if record.enabled else ("disabled",)
    if isinstance(record, Schedule):
        return (f"{record.expression} {record.tz}", *rests)
    return (record.expression or f"events of the bus {record.bus}", *rests)


def as_data(record: Record) -> dict[str, Any]:
    """Give everything in a record that may be shown, ready for JSON."""
    data: dict[str, Any] = {"kind": record.kind}
    for one in fields(record):
        value = getattr(record, one.name)
        data[one.name] = sorted(value) if one.name in SECRET_FIELDS else _plain(value)
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, Ref):
        return f"${{{value}}}"
    if isinstance(value, Arn | Placed):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Authorizer | Guard):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return value
