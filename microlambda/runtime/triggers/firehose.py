"""`@app.on_firehose_records`: every record is answered, exactly once.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
"""

from __future__ import annotations

import json
import re
from binascii import a2b_base64

from ..errors import EncodingError, WrongAnswer
from ..events.arns import is_arn, is_same, may_be_same, resource_part
from ..events.firehose import DROPPED, FAILED, OK, FirehoseEvent, FirehoseRecord
from .base import Trigger, as_json, refuse
from .mapping import described
from .names import checked_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App
    from .base import Outcome

_DECORATOR = "on_firehose_records"
_NAME = r"[A-Za-z0-9_.-]{1,64}"
_RESULTS = (OK, DROPPED, FAILED)
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MOST_BYTES = 6 * 1024 * 1024


class FirehoseTrigger(Trigger):
    """The transformation of a Firehose stream, which is its name or ARN."""

    decorator = _DECORATOR
    source = "firehose"
    event_class = FirehoseEvent
    record_class = FirehoseRecord
    iterates_answers = True

    def __init__(self, *, stream: str) -> None:
        self.stream = _checked_stream(stream)

    def fits(self, event: dict[str, Any]) -> bool:
        """By the stream; an event that does not name it, as some of AWS's samples, is anybody's."""
        arn = event.get("deliveryStreamArn")
        return arn is None or is_same(self.stream, arn, resource_part(arn, "deliverystream"))

    def shared_with(self, other: FirehoseTrigger) -> str | None:
        """The same stream, which has one transformation."""
        same = may_be_same(self.stream, other.stream)
        return f"the records of the stream {resource_part(self.stream, 'deliverystream')!r}" if same else None

    def declared(self) -> str:
        """With the stream."""
        return described(_DECORATOR, {"stream": self.stream})

    def result(self, app: App, handler: str, event: FirehoseEvent, value: Any) -> Any:
        """The handler's answers, one for each record; `WrongAnswer` tells what Firehose would not take."""
        answers: Any = value.get("records") if isinstance(value, dict) else value
        if isinstance(answers, (str, bytes)) or not hasattr(answers, "__iter__"):
            raise WrongAnswer(
                f"the handler {handler!r} answered {_kind(value)}, and Firehose waits for one answer for "
                "each record: return [record.ok(...) for record in event]."
            )
        answers = as_json(app, handler, list(answers))
        records = {record.record_id: record for record in event}
        _check_ids(handler, [record.record_id for record in event], answers)
        for answer in answers:
            _check_answer(handler, records[answer["recordId"]], answer)
        return _fitting(handler, answers)

    def report(self, app: App, handler: str, event: Any, outcomes: list[Outcome]) -> Any:  # noqa: ARG002
        """Each record's answer; one whose handler raised is ProcessingFailed, and takes no other with it."""
        return _fitting(handler, [_answer_of(app, handler, outcome) for outcome in outcomes])


def _answer_of(app: App, handler: str, outcome: Outcome) -> dict[str, Any]:
    """The record's answer: the handler's own, or Ok with the data that it answered."""
    record, value = outcome.record, outcome.answer
    if outcome.error is not None:
        return record.failed()  # type: ignore[no-any-return]
    if isinstance(value, dict) and "recordId" in value and "result" in value:
        answer = as_json(app, handler, value)
        _check_ids(handler, [record.record_id], [answer])
        _check_answer(handler, record, answer)
        return answer  # type: ignore[no-any-return]
    if isinstance(value, (str, bytes)):
        return record.ok(value)  # type: ignore[no-any-return]
    if isinstance(value, (dict, list)):
        return record.ok(_dumped(app, handler, value))  # type: ignore[no-any-return]
    raise WrongAnswer(
        f"the handler {handler!r} answered {_kind(value)} for {record!r}. Return its new data (bytes, str, "
        "dict or list), record.ok() to keep what it has, or record.dropped() to leave it out."
    )


def _dumped(app: App, handler: str, value: Any) -> str:
    try:
        return app.json_encoder.dumps(value)
    except EncodingError as exc:
        raise WrongAnswer(f"the handler {handler!r} answered what JSON cannot hold: {exc}") from exc


def _check_ids(handler: str, ids: list[str], answers: list[Any]) -> None:
    """Refuse answers that are not one for each record."""
    left = dict.fromkeys(ids, 0)
    for record_id in ids:
        left[record_id] += 1
    for answer in answers:
        answered = answer.get("recordId") if isinstance(answer, dict) else None
        if not isinstance(answered, str) or answered not in left:
            raise WrongAnswer(
                f"the handler {handler!r} answered {_shown(answer)}, which is for none of the records: "
                f"{', '.join(map(repr, ids))[:200]}. Write record.ok(...), record.dropped() or "
                "record.failed()."
            )
        if not left[answered]:
            raise WrongAnswer(f"the handler {handler!r} answered the record {answered!r} twice.")
        left[answered] -= 1
    missing = [record_id for record_id in ids if left[record_id]]
    if missing:
        raise WrongAnswer(
            f"the handler {handler!r} answered {len(ids) - len(missing)} of {len(ids)} records; the first "
            f"without an answer is {missing[0]!r}. Answer record.dropped() for those that are to be left out."
        )


def _check_answer(handler: str, record: FirehoseRecord, answer: dict[str, Any]) -> None:
    """Refuse an answer that Firehose would take for a failure of the transformation."""
    who = f"the handler {handler!r} answered the record {record.record_id!r} with"
    result = answer.get("result")
    if result not in _RESULTS:
        raise WrongAnswer(f"{who} the result {result!r}: Firehose takes {', '.join(_RESULTS)}.")
    key = record.payload_key
    data = answer.get(key)
    if (data is not None or result == OK) and not _is_base64(data):
        raise WrongAnswer(f"{who} {key} that is no text in base64: write record.ok(data), which makes it.")
    metadata = answer.get("metadata")
    if metadata is not None and not _is_metadata(metadata):
        raise WrongAnswer(
            f"{who} metadata that is not {{'partitionKeys': {{name: value}}}}, each value a str, none empty."
        )


def _is_metadata(metadata: Any) -> bool:
    keys = metadata.get("partitionKeys") if isinstance(metadata, dict) else None
    return isinstance(keys, dict) and all(isinstance(value, str) and value for value in keys.values())


def _is_base64(data: Any) -> bool:
    if not isinstance(data, str):
        return False
    digits = data.rstrip("=")  # of which AWS's own samples have one too many
    try:
        a2b_base64(digits + "=" * (-len(digits) % 4), strict_mode=True)
    except ValueError:
        return False
    return True


def _fitting(handler: str, answers: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer to Firehose, which Lambda hands over up to 6 MB."""
    answer = {"records": answers}
    size = len(json.dumps(answer))
    if size > _MOST_BYTES:
        raise WrongAnswer(
            f"the handler {handler!r} answered {size / 1024 / 1024:.1f} MB, and Lambda hands over 6 MB. "
            "Let the stream buffer less for the transformation, or answer less for each record."
        )
    return answer


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _shown(answer: Any) -> str:
    """The answer without its data."""
    if not isinstance(answer, dict):
        return _kind(answer)
    return repr({name: answer[name] for name in ("recordId", "result") if name in answer})


def _checked_stream(stream: object) -> str:
    checked = checked_name(
        _DECORATOR,
        "stream",
        stream,
        service="firehose",
        pattern=_NAME,
        rule="a Firehose stream's name has up to 64 letters, digits, '-', '_' and '.'.",
        example="clicks",
    )
    if is_arn(checked) and not re.fullmatch(rf"deliverystream/{_NAME}", checked.split(":", 5)[5]):
        form = "arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME"
        raise refuse(_DECORATOR, "stream", stream, f"that is not the ARN of a Firehose stream, {form}.")
    return checked
