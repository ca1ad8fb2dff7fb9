"""Changes as Lambda reads them from a table's stream.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from typing import Any
from uuid import uuid4

from microlambda.emulator.events.origin import ORIGIN, Origin, millis, moment

_STREAM = "/stream/"
_MOST_DIGITS = 38
_WIDE = Context(prec=10_000)
_LABEL = "2026-01-01T00:00:00.000"
_SAMPLE = {"id": "o-1", "total": 42}
#: Which images each view has.
_VIEWS = {
    "KEYS_ONLY": (),
    "NEW_IMAGE": ("NewImage",),
    "OLD_IMAGE": ("OldImage",),
    "NEW_AND_OLD_IMAGES": ("NewImage", "OldImage"),
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of several, with what `build` takes for one."""

    new_image: Any = None
    old_image: Any = None
    event_name: str | None = None
    is_expired: bool = False


def build(
    table: str = "orders",
    new_image: Any = None,
    old_image: Any = None,
    *,
    keys: Sequence[str] = (),
    event_name: str | None = None,
    is_expired: bool = False,
    view: str = "NEW_AND_OLD_IMAGES",
    changes: Sequence[Any] = (),
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of a table (its name or ARN, or its stream's): of one change, or of several `changes`.

    Images are plain Python values. A new one alone is an INSERT, both are a MODIFY, an old one alone is a
    REMOVE, by DynamoDB itself where the item `is_expired`. `keys` are the names of the key attributes, by
    default the image's first. Each of `changes` is a `Change` or a new image. ValueError for a view, a key or
    a value that there is not.
    """
    if view not in _VIEWS:
        raise ValueError(f"view={view!r} is none of {', '.join(_VIEWS)}.")
    one = Change(new_image=new_image, old_image=old_image, event_name=event_name, is_expired=is_expired)
    several = [each if isinstance(each, Change) else Change(new_image=each) for each in changes]
    arn = _stream_arn(table, origin)
    seconds = millis(moment(time)) // 1000
    first = 10**26 + uuid4().int % 10**24 * 100
    records = [_record(each, arn, keys, view) for each in several or [one]]
    for number, record in enumerate(records):
        record["dynamodb"]["ApproximateCreationDateTime"] = seconds
        record["dynamodb"]["SequenceNumber"] = str(first + number)
    return {"Records": records}


def _stream_arn(table: str, origin: Origin) -> str:
    arn = table if table.startswith("arn:") else origin.arn("dynamodb", f"table/{table}")
    return arn if _STREAM in arn else f"{arn}{_STREAM}{_LABEL}"


def _record(change: Change, arn: str, keys: Sequence[str], view: str) -> dict[str, Any]:
    new, old = change.new_image, change.old_image
    if new is None and old is None:
        new = _SAMPLE
    images = {key: _item(image) for key, image in (("NewImage", new), ("OldImage", old)) if image is not None}
    item = next(iter(images.values()))
    body: dict[str, Any] = {"Keys": _keys(item, keys)}
    body |= {key: image for key, image in images.items() if key in _VIEWS[view]}
    body["SizeBytes"] = len(json.dumps(body, separators=(",", ":")))
    body["StreamViewType"] = view
    derived = "REMOVE" if new is None else "INSERT" if old is None else "MODIFY"
    record = {
        "eventID": uuid4().hex,
        "eventName": change.event_name or derived,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": arn.split(":")[3],
        "dynamodb": body,
        "eventSourceARN": arn,
    }
    if change.is_expired:
        record["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return record


def _keys(item: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    wanted = list(names) or list(item)[:1]
    missing = [name for name in wanted if name not in item]
    if missing or not wanted:
        what = ", ".join(missing) or "attribute"
        raise ValueError(f"the item has no {what} for its key: it has {sorted(item)}.")
    return {name: item[name] for name in wanted}


def _item(image: Any) -> dict[str, Any]:
    if not isinstance(image, Mapping):
        raise ValueError(f"an item is a dict of attributes, and this is {image!r}.")  # noqa: TRY004  # of a value
    return {name: _typed(value) for name, value in image.items()}


def _typed(value: Any) -> dict[str, Any]:
    """A value as DynamoDB types it."""
    if value is None:
        return {"NULL": True}
    for types, typed in _TYPES:
        if isinstance(value, types):
            return typed(value)
    raise ValueError(f"DynamoDB has no type for {type(value).__name__}: {value!r}.")


def _typed_set(values: set[Any] | frozenset[Any]) -> dict[str, Any]:
    typed = sorted((_typed(one) for one in values), key=str)
    kinds = {kind for one in typed for kind in one}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise ValueError(f"a set of DynamoDB has str, numbers or bytes, and at least one: {values!r}.")
    kind = kinds.pop()
    return {f"{kind}S": [one[kind] for one in typed]}


def digits(number: float | Decimal) -> str:
    """As DynamoDB writes numbers: up to 38 digits, without zeros at the ends; no NaN and no infinity.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    """
    exact = Decimal(str(number))
    if not exact.is_finite():
        raise ValueError(f"DynamoDB has no number {number!r}.")
    short = exact.normalize(_WIDE)
    if len(short.as_tuple().digits) > _MOST_DIGITS or not -130 <= short.adjusted() <= 125:
        raise ValueError(
            f"DynamoDB's numbers have up to 38 digits, from 1E-130 to 9.9E+125, and not {number!r}."
        )
    return f"{abs(short) if short.is_zero() else short:f}"


#: Types of Python, of which the first that fits counts: a bool is an int, and a str is a sequence.
_TYPES: tuple[tuple[Any, Callable[[Any], dict[str, Any]]], ...] = (
    (bool, lambda value: {"BOOL": value}),
    (str, lambda value: {"S": value}),
    ((int, float, Decimal), lambda value: {"N": digits(value)}),
    ((bytes, bytearray), lambda value: {"B": b64encode(value).decode()}),
    (Mapping, lambda value: {"M": _item(value)}),
    ((set, frozenset), _typed_set),
    (Sequence, lambda value: {"L": [_typed(one) for one in value]}),
)
