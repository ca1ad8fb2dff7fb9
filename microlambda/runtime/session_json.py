"""JSON that keeps what JSON has no type for, in the words of Flask's TaggedJSONSerializer.

A tuple is `{" t": [...]}`, bytes are `{" b": "..."}`, and so on; a dict of one such key is itself tagged.
"""

from __future__ import annotations

import json

from .errors import EncodingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_DICT, _TUPLE, _BYTES, _MARKUP, _UUID, _DATE = " di", " t", " b", " m", " u", " d"
_TAGS = (_DICT, _TUPLE, _BYTES, _MARKUP, _UUID, _DATE)


class SessionJSON:
    """What itsdangerous asks of a serializer."""

    @staticmethod
    def dumps(value: Any) -> str:
        """Write a value; `EncodingError` names the type that cannot be kept, and where it stands."""
        return json.dumps(_tagged(value, "session"), separators=(",", ":"))

    @staticmethod
    def loads(text: str) -> Any:
        """Read it again."""
        return _untagged(json.loads(text))


def _tagged(value: Any, place: str) -> Any:
    kind = type(value)
    if value is None or kind in (str, int, float, bool):
        return value
    if isinstance(value, dict):
        members = {_key(key, place): _tagged(one, f"{place}[{key!r}]") for key, one in value.items()}
        (first,) = members if len(members) == 1 else ("",)
        # a dict that looks like one of ours is told apart from it
        return {_DICT: {f"{first}__": members[first]}} if first in _TAGS else members
    if isinstance(value, list | tuple):
        items = [_tagged(one, f"{place}[{number}]") for number, one in enumerate(value)]
        return {_TUPLE: items} if isinstance(value, tuple) else items
    return _of_a_type(value, place)


def _key(key: Any, place: str) -> str:
    if not isinstance(key, str):
        raise EncodingError(f"{place} has the key {key!r}, and keys of JSON are str.")
    return key


def _of_a_type(value: Any, place: str) -> Any:
    if isinstance(value, bytes):
        import binascii

        return {_BYTES: binascii.b2a_base64(value, newline=False).decode()}
    if callable(getattr(value, "__html__", None)):
        return {_MARKUP: str(value.__html__())}
    if isinstance(value, str | int | float):  # of a class of their own
        return value
    if type(value).__name__ == "UUID":
        return {_UUID: value.hex}
    if type(value).__name__ in ("datetime", "date"):
        from .http.dates import http_date

        return {_DATE: http_date(value)}
    raise EncodingError(
        f"{place} is {type(value).__qualname__}, which the session cannot keep: it takes what JSON has, and "
        "tuples, bytes, UUIDs and datetimes."
    )


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (tag,) = value
        if tag == _DICT and isinstance(value[tag], dict) and len(value[tag]) == 1:
            (key,) = value[tag]
            return {key[:-2]: _untagged(value[tag][key])}
        if tag in _TAGS:
            return _READERS[tag](_untagged(value[tag]))
    return {key: _untagged(one) for key, one in value.items()}


def _bytes(text: str) -> bytes:
    import binascii

    return binascii.a2b_base64(text)


def _markup(text: str) -> Any:
    try:
        from markupsafe import Markup
    except ImportError:
        return text
    return Markup(text)  # noqa: S704 - what was signed was such a text


def _uuid(text: str) -> Any:
    from uuid import UUID

    return UUID(text)


def _date(text: str) -> Any:
    from .http.dates import parse_date

    return parse_date(text)


_READERS: dict[str, Callable[[Any], Any]] = {
    _DICT: dict,
    _TUPLE: tuple,
    _BYTES: _bytes,
    _MARKUP: _markup,
    _UUID: _uuid,
    _DATE: _date,
}
