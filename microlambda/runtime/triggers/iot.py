"""`@app.on_iot_message`.

https://docs.aws.amazon.com/iot/latest/developerguide/topics.html
https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-reference.html
"""

from __future__ import annotations

from ..errors import RegistrationError
from ..events.iot import IotEvent
from .asynchronous import AsyncOptions
from .base import Trigger, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DECORATOR = "on_iot_message"

# https://docs.aws.amazon.com/general/latest/gr/iot-core.html#message-broker-limits
_MOST_BYTES = 256
_MOST_SLASHES = 7

# A payload that is no JSON is taken by statements of nothing but functions, so the mark is one, too:
# https://docs.aws.amazon.com/iot/latest/developerguide/binary-payloads.html
_SQL = (
    "SELECT encode(*, 'base64') AS payload, topic() AS topic, timestamp() AS timestamp, "
    "clientid() AS clientId, traceid() AS traceId, lower('aws:iot') AS eventSource FROM '"
)


class IotTrigger(Trigger):
    """A rule of AWS IoT: for a topic filter, or with a statement of the user's own.

    `sql` is the rule's statement. Ours, for a topic filter, gives each payload untouched and marks the event.
    What another statement selects has no mark, and whatever shape it says: only the handler's own function
    (MICROLAMBDA_HANDLER) can know it, and takes every event; a function for several handlers never
    chooses it.
    """

    decorator = _DECORATOR
    source = "iot"
    event_class = IotEvent

    #: The version of the SQL that the rule needs: the older one, AWS's default, has no encode().
    sql_version = "2016-03-23"

    def __init__(self, *, topic: str | None = None, sql: str | None = None, **options: Any) -> None:
        if (topic is None) == (sql is None):
            raise RegistrationError(
                f"{_DECORATOR}() takes a topic filter, @app.{_DECORATOR}('sensors/+/temperature'), or a "
                f'statement, @app.{_DECORATOR}(sql="...").'
            )
        self.topic = None if topic is None else checked_filter(topic)
        self.sql = f"{_SQL}{topic}'" if sql is None else _checked_sql(sql)
        self.asynchronous = AsyncOptions(_DECORATOR, **options)

    @property
    def is_inferred(self) -> bool:  # type: ignore[override]  # an attribute of all others
        """Only what our own statement selects can be told."""
        return self.topic is not None

    def handles(self, event: dict[str, Any], source: str | None) -> bool:
        """By the mark and the topic; whatever a statement of the user's own selects."""
        return self.topic is None or super().handles(event, source)

    def fits(self, event: dict[str, Any]) -> bool:
        """By the topic, as MQTT matches."""
        return self.topic is None or matches(self.topic, event["topic"])

    def shared_with(self, other: IotTrigger) -> str | None:
        """The same filter or statement. Filters may overlap: each has a rule, and a function, of its own."""
        if self.sql.split() != other.sql.split():
            return None
        return f"the messages of {self.topic or self.sql!r}"

    def declared(self) -> str:
        """With the filter or the statement."""
        word = f"topic={self.topic!r}" if self.topic is not None else f"sql={self.sql!r}"
        return f"@app.{_DECORATOR}({word})"


def matches(topic_filter: str, topic: str) -> bool:
    """Does the filter match the topic (MQTT 5.0, 4.7)?

    `+` is any one level, `#` any number of levels at the end, none included; neither of them in front matches
    a topic of AWS's own, `$aws/...`.
    """
    if topic.startswith("$") and topic_filter.startswith(("+", "#")):
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted.pop()
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(
        want in ("+", level) for want, level in zip(wanted, levels, strict=True)
    )


def checked_filter(topic: object) -> str:
    """The topic filter, if AWS IoT takes it."""
    if not isinstance(topic, str) or not topic:
        raise refuse(_DECORATOR, "topic", topic, "write a topic filter: topic='sensors/+/temperature'.")
    why = _fault(topic)
    if why is not None:
        raise refuse(_DECORATOR, "topic", topic, why)
    return topic


def _fault(topic: str) -> str | None:  # noqa: PLR0911  # a rule on each line
    levels = topic.split("/")
    if "#" in topic[:-1]:
        return "'#' stands for all levels that follow, and is the last character."
    if levels[-1].endswith("#") and levels[-1] != "#":
        return "'#' is a level of its own: write '/#'."
    if any("+" in level and level != "+" for level in levels):
        return "'+' stands for a whole level: write '/+/'."
    if len(topic.encode()) > _MOST_BYTES:
        return f"it has {len(topic.encode())} bytes, and AWS IoT takes {_MOST_BYTES}."
    if topic.count("/") > _MOST_SLASHES:
        return f"it has {topic.count('/')} slashes, and AWS IoT takes {_MOST_SLASHES}."
    if topic.startswith("$") and not topic.startswith("$aws/"):
        return "topics with '$' in front are AWS's, and theirs begin with '$aws/'."
    if "'" in topic or "\0" in topic:
        return "a quote or a NUL cannot stand in the rule's statement. Write '+' for that level."
    return None


def _checked_sql(sql: object) -> str:
    words = sql.split() if isinstance(sql, str) else []
    if not words or words[0].upper() not in ("SELECT", "SET"):
        raise refuse(_DECORATOR, "sql", sql, "a rule's statement begins with SELECT, or with SET before it.")
    return str(sql)
