"""`abort`: end a request with a status, from anywhere below the view."""

from __future__ import annotations

from . import errors
from .errors import HTTPException
from .http.response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn


def abort(
    status: int | Response,
    detail: object = None,
    *,
    description: object = None,
    headers: Mapping[str, Any] | None = None,
) -> NoReturn:
    """Raise the HTTP error of that status, 400 to 599, with a sentence for the caller; ValueError for others.

    `description` is Flask's name for `detail`. A Response in place of the status is the answer itself, as
    in Flask.
    """
    if isinstance(status, Response):
        error = HTTPException(status_code=status.status_code)
        error.response = status
        raise error
    known = class_of(status)
    sentence = description if detail is None else detail
    if known is HTTPException:
        raise HTTPException(sentence, headers=headers, status_code=status)
    raise known(sentence, headers=headers)


def class_of(status: object) -> type[HTTPException]:
    """The class that stands for the status; `HTTPException` itself for one without a class of its own."""
    if not isinstance(status, int) or isinstance(status, bool) or not 400 <= status <= 599:
        raise ValueError(f"{status!r} is no status of an HTTP error: take an int from 400 to 599.")
    for value in vars(errors).values():
        if (
            isinstance(value, type)
            and issubclass(value, HTTPException)
            and value is not HTTPException
            and value.status_code == status
        ):
            return value
    return HTTPException
