"""A body read as JSON (RFC 8259), and what to tell a caller whose body is none."""

from __future__ import annotations

import json

from ..errors import BadRequest, UnsupportedMediaType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .request import Request


class BadNumber(ValueError):
    """NaN, Infinity, or a number that a float cannot hold: Python reads them, JSON has none of them."""


def _refuse_constant(name: str) -> Any:
    raise BadNumber(f"JSON has no {name}")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise BadNumber(f"the number {digits[:40]} is too large")
    return number


_decode = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite).decode


def read_json(request: Request, force: bool, silent: bool, cache: bool) -> Any:
    """What `Request.get_json` answers; `BadRequest` and `UnsupportedMediaType` unless `silent`."""
    try:
        if not (force or request.is_json):
            _refuse_type(request)
        value = parse_json(request.data if cache else request.get_data(cache=False))
    except (BadRequest, UnsupportedMediaType):
        if silent:
            return None
        raise
    if cache:
        request.__dict__["_json"] = value
    return value


def _refuse_type(request: Request) -> None:
    raise UnsupportedMediaType(
        f"this view reads JSON; the body is {request.mimetype or 'of no declared type'}. "
        "Send Content-Type: application/json."
    )


def parse_json(body: bytes) -> Any:
    """The value; a `BadRequest` says where the body stops being JSON.

    JSON is UTF-8, whatever charset the content type names (RFC 8259, 8.1 and 11); UTF-16 and UTF-32 are
    told by their first bytes.
    """
    if not body:
        raise BadRequest("the body is empty, and JSON is due.")
    try:
        return _decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except RecursionError as exc:
        raise BadRequest("the body is no JSON that can be read: it is nested too deeply.") from exc
    except (json.JSONDecodeError, UnicodeDecodeError, BadNumber) as exc:
        raise BadRequest(f"the body is not JSON: {exc}") from exc
    except ValueError as exc:  # an int of more digits than Python reads
        raise BadRequest("the body is no JSON that can be read: a number is too long.") from exc
