"""Answers whose headers have one value each: an ALB's without multi-value headers, and VPC Lattice's."""

from __future__ import annotations

from .base import first_values, write_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..http.response import Response


def single_valued(response: Response, body: str | bytes, is_head: bool) -> dict[str, Any]:
    """The answer; fields of one name are joined by `, `, cookies go out under differently cased names."""
    headers: dict[str, str] = {}
    names: dict[str, str] = {}
    cookies = 0
    for field, value in response.headers:
        lower = field.lower()
        if lower == "set-cookie":  # the one field whose values no comma can join (RFC 9110, 5.3)
            headers[_cased("set-cookie", cookies)] = value
            cookies += 1
            continue
        name = names.setdefault(lower, field)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if response.status_code in (204, 304):
        headers.pop(names.get("content-type", ""), None)
    return completed({"headers": headers}, response, body, is_head)


def completed(
    headers: dict[str, Any], response: Response, body: str | bytes, is_head: bool
) -> dict[str, Any]:
    """The whole answer: status, its description, `headers` as they are given, and the body."""
    result = {
        "statusCode": response.status_code,
        "statusDescription": _described(response.status_code),
        **headers,
    }
    write_body(result, response, body, first_values(response.headers).get, is_head)
    return result


def _cased(name: str, number: int) -> str:
    """A spelling of the name for each number: `set-cookie`, `Set-cookie`, `sEt-cookie`, ..."""
    spelled = []
    for letter in name:
        if letter.isalpha():
            letter = letter.upper() if number & 1 else letter
            number >>= 1
        spelled.append(letter)
    return "".join(spelled)


def _described(status: int) -> str:
    """Status and reason phrase with one space between, as an ALB asks for."""
    from http import HTTPStatus

    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
