"""`abort`: end a request with a status, from anywhere below the view."""

from __future__ import annotations

from . import errors
from .errors import HTTPException, RegistrationError
from .http.response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn


def abort(
    status: int | Response,
    detail: str | None = None,
    *,
    description: str | None = None,
    headers: Mapping[str, Any] | None = None,
) -> NoReturn:
    """Raise the HTTP error of that status, 400 to 599, with a sentence for the caller.

    `description` is Flask's name for `detail`. A Response in place of the status is the answer itself, as
    in Flask.
    """
    if isinstance(status, Response):
        error = HTTPException(status_code=status.status_code)
        error.response = status
        raise error
    known = class_of(status)
    if known is HTTPException:
        raise HTTPException(
            detail or description, headers=headers, status_code=status, title=standard_title(status)
        )
    raise known(detail or description, headers=headers)


def class_of(status: object) -> type[HTTPException]:
    """The class that stands for the status; `HTTPException` itself for one without a class of its own."""
    if type(status) is not int or not 400 <= status <= 599:
        raise RegistrationError(f"{status!r} is no status of an HTTP error: take an int from 400 to 599.")
    for value in vars(errors).values():
        if (
            isinstance(value, type)
            and issubclass(value, HTTPException)
            and value is not HTTPException
            and value.status_code == status
        ):
            return value
    return HTTPException


def standard_title(status: int) -> str:
    """The status's phrase in the standard library's table."""
    from http import HTTPStatus  # loaded for the rare statuses that no class of ours stands for

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
