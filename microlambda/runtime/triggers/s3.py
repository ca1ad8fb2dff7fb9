"""`@app.on_s3_event`.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

from __future__ import annotations

import re

from ..events.arns import is_same, last_part, may_be_same
from ..events.s3 import TEST_EVENT, S3Event, S3Record
from .asynchronous import AsyncOptions
from .base import Trigger, checked_choice, checked_texts, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DECORATOR = "on_s3_event"
_NOTIFICATIONS, _EVENTBRIDGE = "notifications", "eventbridge"

#: What S3 tells of, without its "s3:"; a family's `*` stands for all of it.
_EVENTS = """
    ObjectCreated:* ObjectCreated:Put ObjectCreated:Post ObjectCreated:Copy
    ObjectCreated:CompleteMultipartUpload
    ObjectRemoved:* ObjectRemoved:Delete ObjectRemoved:DeleteMarkerCreated
    ObjectRestore:* ObjectRestore:Post ObjectRestore:Completed ObjectRestore:Delete
    ObjectTagging:* ObjectTagging:Put ObjectTagging:Delete
    ObjectAnnotation:* ObjectAnnotation:Put ObjectAnnotation:Delete
    ObjectAcl:Put ObjectRetention:Put LifecycleTransition IntelligentTiering ReducedRedundancyLostObject
    LifecycleExpiration:* LifecycleExpiration:Delete LifecycleExpiration:DeleteMarkerCreated
    Replication:* Replication:OperationFailedReplication Replication:OperationNotTracked
    Replication:OperationMissedThreshold Replication:OperationReplicatedAfterThreshold
"""
_DEFAULT_EVENTS = ("s3:ObjectCreated:*",)
_BUCKET = r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+\Z)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_LONGEST_KEY = 1024
_MOST_CONFIGURATIONS = 100


class S3Trigger(Trigger):
    """Objects of a bucket whose keys begin with one of `prefixes` and end with one of `suffixes`.

    `events` are in S3's words, with "s3:". With `through` "notifications" S3 notifies the function itself, by
    `configurations`; with "eventbridge" the bucket sends all there, and a rule with `event_pattern` hands on.
    """

    decorator = _DECORATOR
    source = "s3"
    event_class = S3Event
    record_class = S3Record

    def __init__(
        self, *, bucket: str, events: Any, prefix: Any, suffix: Any, through: str, **options: Any
    ) -> None:
        self.bucket = _checked_bucket(bucket)
        self.through = checked_choice(_DECORATOR, "through", through, (_NOTIFICATIONS, _EVENTBRIDGE))
        self.events = _checked_events(events)
        self.prefixes = _checked_ends("prefix", prefix)
        self.suffixes = _checked_ends("suffix", suffix)
        self.asynchronous = AsyncOptions(_DECORATOR, **options)
        if self.is_on_bus:
            from .s3_pattern import check_on_bus

            check_on_bus(_DECORATOR, self)
        else:
            self._check_configurations()

    def _check_configurations(self) -> None:
        """What S3 refuses: rules that one key would be under, and too many of them."""
        for keyword, ends, overlap in (
            ("prefix", self.prefixes, _begin_alike),
            ("suffix", self.suffixes, _end_alike),
        ):
            for number, one in enumerate(ends):
                for other in ends[:number]:
                    if overlap(one, other):
                        side = "begin" if keyword == "prefix" else "end"
                        why = f"a key may {side} with {other!r} and with {one!r}, and S3 takes no such two."
                        raise refuse(_DECORATOR, keyword, list(ends), f"{why} Leave the longer one out.")
        count = len(self.prefixes) * len(self.suffixes)
        if count > _MOST_CONFIGURATIONS:
            why = f"with the suffixes that makes {count}, and a bucket takes {_MOST_CONFIGURATIONS}."
            raise refuse(_DECORATOR, "prefix", list(self.prefixes), why)

    @property
    def is_on_bus(self) -> bool:
        """Do the events come through EventBridge?"""
        return self.through == _EVENTBRIDGE

    @property
    def bucket_name(self) -> str:
        """The bucket's name, of its ARN too."""
        return last_part(self.bucket)

    @property
    def configurations(self) -> list[tuple[tuple[str, ...], str, str]]:
        """Events, prefix and suffix of each of S3's notifications, as S3 takes them; none on the bus."""
        if self.is_on_bus:
            return []
        return [
            (self.events, _encoded(prefix), _encoded(suffix))
            for prefix in self.prefixes
            for suffix in self.suffixes
        ]

    @property
    def event_pattern(self) -> dict[str, Any] | None:
        """The pattern of EventBridge's rule; None where S3 itself notifies."""
        if not self.is_on_bus:
            return None
        from .s3_pattern import event_pattern

        return event_pattern(self.bucket_name, self.events, self.prefixes, self.suffixes)

    def handles(self, event: dict[str, Any], source: str | None) -> bool:
        """By the way that was declared, too: S3's events on the bus have another shape."""
        return source == (_EVENTBRIDGE if self.is_on_bus else self.source) and self.fits(event)

    def fits(self, event: dict[str, Any]) -> bool:
        """By the bucket, the event's type and the key, as AWS chose it; S3's test event by the bucket."""
        if self.is_on_bus:
            from .patterns import matches

            return matches(self.event_pattern or {}, event)
        if event.get("Event") == TEST_EVENT:
            return bool(event["Bucket"] == self.bucket_name)
        record = S3Record(event["Records"][0])
        return is_same(self.bucket, record.bucket_arn, record.bucket) and self._takes(record)

    def _takes(self, record: S3Record) -> bool:
        name, key = f"s3:{record.event_name}", record.key
        return (
            key.startswith(self.prefixes)
            and key.endswith(self.suffixes)
            and any(is_of(name, wanted) for wanted in self.events)
        )

    def make_event(self, raw: dict[str, Any], context: Any) -> S3Event | None:
        """The view; None for the test that S3 sends once, when its notifications are set up."""
        return None if raw.get("Event") == TEST_EVENT else S3Event(raw, context)

    def shared_with(self, other: S3Trigger) -> str | None:
        """The same event of the same key, told in the same way."""
        if self.is_on_bus != other.is_on_bus or not may_be_same(self.bucket, other.bucket):
            return None
        if not _any_of(_begin_alike, self.prefixes, other.prefixes):
            return None
        if not _any_of(_end_alike, self.suffixes, other.suffixes):
            return None
        shared = [one for one in self.events for two in other.events if _are_shared(one, two)]
        return f"{shared[0]} of objects in the bucket {self.bucket_name!r}" if shared else None

    def declared(self) -> str:
        """With the words that differ from what is taken where they are not there."""
        from .mapping import described

        words = {
            "bucket": self.bucket,
            "events": None if self.events == _DEFAULT_EVENTS else _shortest(self.events),
            "prefix": _shortest(self.prefixes),
            "suffix": _shortest(self.suffixes),
            "through": self.through if self.is_on_bus else None,
        }
        return described(_DECORATOR, words)


def is_of(name: str, wanted: str) -> bool:
    """Is it the event, or one of the family, that was asked for? Both with "s3:"."""
    return name == wanted or (wanted[-1] == "*" and name.startswith(wanted[:-1]))


def _are_shared(one: str, other: str) -> bool:
    return is_of(one, other) or is_of(other, one)


def _begin_alike(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _end_alike(one: str, other: str) -> bool:
    return one.endswith(other) or other.endswith(one)


def _any_of(overlap: Any, some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return any(overlap(one, other) for one in some for other in others)


def _shortest(texts: tuple[str, ...]) -> Any:
    """As a user writes it: one as itself."""
    return texts[0] if len(texts) == 1 else list(texts)


def _encoded(end: str) -> str:
    """A prefix or suffix as S3 wants it: form-encoded as keys are, but for S3's safe characters."""
    from ..percent import quote

    return quote(end, "/!*'()").replace("%20", "+").replace("~", "%7E")


# The words, checked ----------------------------------------------------------------------------------


def _checked_bucket(bucket: object) -> str:
    from .names import checked_name

    if isinstance(bucket, str) and "://" in bucket:
        why = f"that is a URL. Write the bucket's name, {_bucket_of(bucket)!r}, or its ARN."
        raise refuse(_DECORATOR, "bucket", bucket, why)
    name = checked_name(
        _DECORATOR,
        "bucket",
        bucket,
        service="s3",
        pattern=_BUCKET,
        rule="a bucket's name has 3 to 63 lowercase letters, digits, '-' and '.', and is no IP address.",
        example="photos",
    )
    if name.startswith("arn:") and not re.fullmatch(r"arn:[a-z0-9-]+:s3:::[^/:*?]+", name):
        why = "that is no bucket's ARN, which looks like arn:aws:s3:::NAME, without a key."
        raise refuse(_DECORATOR, "bucket", name, why)
    return name


def _bucket_of(url: str) -> str:
    """The bucket in a URL: of s3://, in front of the host, or first in the path."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    if scheme == "s3":
        return host
    name, is_host, _ = host.partition(".s3")
    return name if is_host else path.partition("/")[0]


def _checked_events(value: object) -> tuple[str, ...]:
    given = checked_texts(_DECORATOR, "events", value)
    events = tuple(f"s3:{event.removeprefix('s3:')}" for event in given)
    known = _EVENTS.split()
    for number, event in enumerate(events):
        if event[3:] not in known:
            from ..routing.problems import nearest

            near = nearest(event, [f"s3:{name}" for name in known])
            raise refuse(_DECORATOR, "events", given[number], f"S3 has no such event. {near}")
        for other in events[:number]:
            if _are_shared(event, other):
                why = f"{event} and {other} are of one kind, and S3 takes no such two. Leave one out."
                raise refuse(_DECORATOR, "events", value, why)
    return events


def _checked_ends(keyword: str, value: object) -> tuple[str, ...]:
    ends = checked_texts(_DECORATOR, keyword, value)
    for end in ends:
        if len(end.encode("utf-8", "replace")) > _LONGEST_KEY:
            raise refuse(_DECORATOR, keyword, value, f"a key has at most {_LONGEST_KEY:,} bytes.")
        if re.search("%[0-9A-Fa-f]{2}", end):
            from ..percent import unquote

            why = f"keys stand here as they are, not encoded. Write {keyword}={unquote(end)!r}."
            raise refuse(_DECORATOR, keyword, value, why)
        plain = end.rstrip("*") if keyword == "prefix" else end.lstrip("*")
        if plain != end:
            why = f"'*' stands for itself here, not for any characters. Write {keyword}={plain!r}."
            raise refuse(_DECORATOR, keyword, value, why)
    return ends
