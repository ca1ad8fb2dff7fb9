"""What a rule's target gets: the event, a part of it, a constant, or a template filled in.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(r'<([A-Za-z0-9_.-]+)>|\\.|"', re.DOTALL)
_STEP = re.compile(r"\.([\w/-]+|\*)|\[(\d+|\*)\]")
_MISSING = object()


def written_for(target: Mapping[str, Any], event: dict[str, Any], *, rule_arn: str, rule_name: str) -> str:
    """Write what a target gets of an event, as text; that it is JSON is the template's business."""
    if "Input" in target:
        return str(target["Input"])
    if path := target.get("InputPath"):
        found = _at(event, path)
        return json.dumps(None if found is _MISSING else found)
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(event)
    paths = transformer.get("InputPathsMap") or {}
    values = {name: _at(event, path) for name, path in paths.items()}
    return fill(transformer["InputTemplate"], {**values, **_given(event, rule_arn, rule_name)})


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Fill in a template: between quotes a value's text, elsewhere its JSON, null for what is missing."""
    inside = False
    pieces, last = [], 0
    for found in _TOKEN.finditer(template):
        pieces.append(template[last : found.start()])
        last = found.end()
        name = found[1]
        if found[0] == '"':
            inside = not inside
        if name is None or name not in values:
            pieces.append(found[0])
        else:
            pieces.append(_filled(values[name], inside=inside))
    return "".join([*pieces, template[last:]])


def _filled(value: Any, *, inside: bool) -> str:
    if value is _MISSING:
        return "" if inside else "null"
    if not inside:
        return json.dumps(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]


def _given(event: dict[str, Any], rule_arn: str, rule_name: str) -> dict[str, Any]:
    return {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }


def _at(event: Any, path: str) -> Any:
    """Follow a path such as `$.detail.items[0].id`; `*` gives a list of all."""
    found = [event]
    is_list = False
    for step in _STEP.finditer(path.removeprefix("$")):
        name, index = step[1], step[2]
        is_list = is_list or "*" in (name, index)
        found = [inner for one in found for inner in _step(one, name, index)]
    if is_list:
        return found
    return found[0] if found else _MISSING


def _step(value: Any, name: str | None, index: str | None) -> list[Any]:
    if "*" in (name, index):
        return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if name is not None:
        return [value[name]] if isinstance(value, dict) and name in value else []
    place = int(index or 0)
    return [value[place]] if isinstance(value, list) and place < len(value) else []
