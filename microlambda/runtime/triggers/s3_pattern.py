"""The rule of EventBridge that lets an S3 handler's events pass; loaded where a handler asks for that way.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
"""

from __future__ import annotations

import re

from ..events.s3_bus import ON_BUS
from .base import refuse
from .patterns import check_pattern
from .s3 import is_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .s3 import S3Trigger

    #: A reason and a kind of deletion.
    Cause = tuple[str | None, str | None]


def check_on_bus(decorator: str, trigger: S3Trigger) -> None:
    """Refuse events that S3 does not send to EventBridge, and more keys than a rule can hold."""
    for event in trigger.events:
        if not _names(event):
            why = "EventBridge gets no such event of S3. Write through='notifications'."
            raise refuse(decorator, "events", event, why)
    check_pattern(decorator, "event_pattern", trigger.event_pattern)


def event_pattern(
    bucket: str, events: tuple[str, ...], prefixes: tuple[str, ...], suffixes: tuple[str, ...]
) -> dict[str, Any]:
    """The pattern of events of these types, of keys of the bucket that begin and end like this."""
    detail: dict[str, Any] = {"bucket": {"name": [bucket]}}
    keys = _keys(prefixes, suffixes)
    if keys:
        detail["object"] = {"key": keys}
    pattern: dict[str, Any] = {"source": ["aws.s3"], "detail": detail}
    kinds = _kinds(events)
    if len(kinds) > 1:
        return {**pattern, "$or": kinds}
    return {**pattern, **kinds[0], "detail": {**detail, **kinds[0].get("detail", {})}}


def _names(event: str) -> list[str]:
    return [name for name in ON_BUS if is_of(f"s3:{name}", event)]


def _kinds(events: tuple[str, ...]) -> list[dict[str, Any]]:
    """The parts of a pattern one of which an event of these types matches."""
    wanted = {name for event in events for name in _names(event)}
    chosen = _by_detail_type(wanted)
    every = _by_detail_type(ON_BUS)
    whole = [kind for kind in chosen if chosen[kind] == every[kind]]
    parts = [
        {"detail-type": [kind], "detail": detail}
        for kind, causes in chosen.items()
        if kind not in whole
        for detail in _details(causes)
    ]
    return [{"detail-type": whole}, *parts] if whole else parts


def _by_detail_type(names: Any) -> dict[str, list[Cause]]:
    causes: dict[str, list[Cause]] = {}
    for name, (kind, reason, deletion) in ON_BUS.items():
        if name in names:
            causes.setdefault(kind, []).append((reason, deletion))
    return causes


def _details(causes: list[Cause]) -> list[dict[str, Any]]:
    """Reasons with the deletions they stand beside; those with the same ones together."""
    reasons: dict[tuple[str | None, ...], list[str | None]] = {}
    for reason in dict.fromkeys(reason for reason, _ in causes):
        deletions = tuple(deletion for other, deletion in causes if other == reason)
        reasons.setdefault(deletions, []).append(reason)
    return [
        {"reason": found, **({"deletion-type": list(deletions)} if deletions[0] else {})}
        for deletions, found in reasons.items()
    ]


def _keys(prefixes: tuple[str, ...], suffixes: tuple[str, ...]) -> list[dict[str, str]]:
    """The keys as EventBridge matches them, which are not encoded; none where every key will do."""
    if "" in prefixes and "" in suffixes:
        return []
    if "" in prefixes:
        return [{"suffix": suffix} for suffix in suffixes]
    if "" in suffixes:
        return [{"prefix": prefix} for prefix in prefixes]
    return [
        {"wildcard": f"{_literal(prefix)}*{_literal(suffix)}"} for prefix in prefixes for suffix in suffixes
    ]


def _literal(text: str) -> str:
    return re.sub(r"([\\*])", r"\\\1", text)
