"""The function's result on its way out: what the ingresses' answer formats have in common."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import Any

from microlambda.emulator.messages import HttpResponse

# RFC 9110, 5.6.2 and 5.5.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSAFE = re.compile(r"[\r\n\0]")

# The connection's own fields, and the length that the gateway counts by itself.
_OWN_FIELDS = frozenset(("connection", "keep-alive", "transfer-encoding", "upgrade", "content-length"))

Fields = list[tuple[str, str]]


class MalformedAnswer(ValueError):
    """The function's result is not an answer in the ingress's format; the message tells why."""


def status_of(value: object) -> int:
    """A `statusCode`: a number from 100 to 599, or the digits of one."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 100 <= value <= 599:
        raise MalformedAnswer(f"statusCode is {value!r}, not a number from 100 to 599")
    return value


def fields_of(headers: object, where: str = "headers") -> Fields:
    """The pairs of a `headers` object; numbers and booleans are written out."""
    if headers is None:
        return []
    if not isinstance(headers, dict):
        raise MalformedAnswer(f"{where} is {type(headers).__name__}, not an object")
    return [field_of(name, value) for name, value in headers.items()]


def multi_fields_of(headers: object) -> Fields:
    """The pairs of a `multiValueHeaders` object."""
    if headers is None:
        return []
    if not isinstance(headers, dict):
        raise MalformedAnswer(f"multiValueHeaders is {type(headers).__name__}, not an object")
    fields = []
    for name, values in headers.items():
        if not isinstance(values, list):
            raise MalformedAnswer(f"multiValueHeaders[{name!r}] is {type(values).__name__}, not a list")
        fields += [field_of(name, value) for value in values]
    return fields


def field_of(name: str, value: object) -> tuple[str, str]:
    """One header field, if it is one: CR, LF and NUL never get out."""
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, (int, float)):
        value = str(value)
    if not isinstance(value, str):
        raise MalformedAnswer(f"the header {name!r} is {type(value).__name__}, not a string")
    if not _TOKEN.fullmatch(name) or _UNSAFE.search(value):
        raise MalformedAnswer(f"the header {name!r} holds characters that HTTP forbids")
    return name, value.encode("utf-8").decode("latin-1")


def body_of(body: object, is_base64: object) -> bytes:
    """The bytes of a `body`; absent and null are empty."""
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedAnswer(f"body is {type(body).__name__}, not a string")
    if is_base64 is not True:
        try:
            return body.encode("utf-8")
        except UnicodeEncodeError as exc:
            raise MalformedAnswer("body holds a lone surrogate") from exc
    try:
        return b64decode(body, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise MalformedAnswer("isBase64Encoded is true and body is not base64") from exc


def response(method: str, status: int, fields: Fields, body: bytes, content_type: str | None) -> HttpResponse:
    """Put an answer together as HTTP has it: length counted, no body where none may be."""
    kept = [(name, value) for name, value in fields if name.lower() not in _OWN_FIELDS]
    may_have_body = status >= 200 and status not in (204, 304)
    if not may_have_body:
        return HttpResponse(status=status, headers=tuple(kept))
    if content_type is not None and not any(name.lower() == "content-type" for name, _ in kept):
        kept.append(("Content-Type", content_type))
    is_head = method == "HEAD"
    if body or not is_head:  # the length is GET's (RFC 9110, 8.6), which an empty body does not tell
        kept.append(("Content-Length", str(len(body))))
    return HttpResponse(status=status, headers=tuple(kept), body=b"" if is_head else body)


def remapped(fields: Fields, names: frozenset[str]) -> Fields:
    """Rename the fields that the gateway keeps to itself, as `x-amzn-Remapped-{name}`."""
    return [(f"x-amzn-Remapped-{name}" if name.lower() in names else name, value) for name, value in fields]


def is_proxy_answer(result: Any) -> bool:
    """Whether a result is an answer in payload format 2.0, rather than a body by itself."""
    return isinstance(result, dict) and "statusCode" in result
