"""What routes and error handlers may be given beyond the plain case; loaded by apps that do."""

from __future__ import annotations

from .errors import HTTPException, RegistrationError
from .routing.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .app import App


def unknown_option(rule: str, options: Iterable[str], known: Iterable[str]) -> str:
    """The message about a keyword that `route` does not take."""
    from difflib import get_close_matches

    names = sorted({*known, "endpoint", "name"})
    unknown = next(option for option in options if option not in names)
    near = get_close_matches(unknown, names, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names)}."
    return f"route({rule!r}) takes no {unknown!r}. {hint}"


def checked_error(error: object, function: Callable[..., Any]) -> tuple[int | None, type]:
    """The status and the class that an error handler is for, as Flask has them."""
    if not callable(function):
        raise RegistrationError(
            f"the handler of the error {error!r} is {function!r}, which cannot be called."
        )
    if isinstance(error, type) and issubclass(error, BaseException):
        if not issubclass(error, Exception):
            raise RegistrationError(f"errorhandler({error.__name__}) would keep the process from ending.")
        if issubclass(error, HTTPException) and error is not HTTPException:
            return error.status_code, error
        return None, error
    if isinstance(error, BaseException):
        raise RegistrationError(
            f"errorhandler({error!r}) got an error itself. Give its class: {type(error).__name__}."
        )
    from .abort import class_of

    kind = class_of(error)
    return int(error), kind  # type: ignore[call-overload]  # class_of has checked it


def checked_content_types(rule: str, value: object) -> tuple[str, ...]:
    """The media types of `content_types=`, in lower case."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise RegistrationError(
            f"content_types={value!r} for {rule!r} is no list. Write content_types=['application/json']."
        )
    kinds = tuple(str(kind).partition(";")[0].strip().lower() for kind in value)
    for kind in kinds:
        if kind.count("/") != 1:
            raise RegistrationError(f"{kind!r} in the content_types of {rule!r} is no media type.")
    return kinds


def rule_with_options(
    app: App, rule: str, view: Callable[..., Any], endpoint: str | None, options: dict[str, Any]
) -> Rule:
    """The rule of a route that has more options than methods."""
    given = dict(options)
    cors = given.pop("cors", None)
    content_types = given.pop("content_types", None)
    made = Rule(rule, view, endpoint=endpoint, converters=app.route_table.converters, **given)
    if cors is not None:
        from .http.cors import checked_cors  # loaded by apps that have a policy

        made.cors = checked_cors(cors) or False
        app.prepared_lifecycle()
    if content_types is not None:
        made.content_types = checked_content_types(rule, content_types)
    return made
