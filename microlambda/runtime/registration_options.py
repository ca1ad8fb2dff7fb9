"""What routes and error handlers may be given beyond the plain case; loaded by apps that do."""

from __future__ import annotations

import re

from .awaiting import named, prepare
from .errors import HTTPException, RegistrationError
from .routing.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .app import App


def unknown_option(rule: str, options: Iterable[str], known: Iterable[str]) -> str:
    """The message about a keyword that `route` does not take."""
    from .routing.problems import nearest

    names = {*known, "endpoint", "name"}
    unknown = next(option for option in options if option not in names)
    return f"route({rule!r}) takes no {unknown!r}. {nearest(unknown, names)}"


def checked_error(error: object) -> tuple[int | None, type]:
    """The status and the class that an error handler is for.

    As in Flask, `errorhandler(404)` and `errorhandler(NotFound)` are the same.
    """
    from .abort import class_of

    if isinstance(error, type) and issubclass(error, BaseException):
        if not issubclass(error, Exception):
            raise RegistrationError(f"errorhandler({error.__name__}) would keep the process from ending.")
        if not issubclass(error, HTTPException) or error is HTTPException:
            return None, error
        status = error.status_code
        return status, HTTPException if class_of(status) is error else error
    if isinstance(error, BaseException):
        raise RegistrationError(
            f"errorhandler({error!r}) got an error itself. Give its class: {type(error).__name__}."
        )
    if callable(error):
        raise RegistrationError("write @app.errorhandler(404), with the status or the class that it is for.")
    try:
        class_of(error)
    except ValueError as exc:
        raise RegistrationError(f"errorhandler({error!r}): {exc}") from exc
    return int(error), HTTPException  # type: ignore[call-overload]  # class_of has checked it


#: What a function is called with, by what it is registered as.
_ARGUMENTS = {
    "before_request": (),
    "after_request": ("response",),
    "teardown_request": ("error",),
    "errorhandler": ("error",),
    "middleware": ("request", "get_response"),
    "lambda_function": ("event", "context"),
}


def check_function(kind: str, function: Any) -> None:
    """Refuse what cannot be called with the arguments of its kind, before a request finds out."""
    if not callable(function):
        raise RegistrationError(f"{kind} takes a function, not {function!r}.")
    prepare(function)
    code = getattr(function, "__code__", None)
    if kind not in _ITERATED:
        check_runs(kind, function)
    if code is None or code.co_flags & _TAKES_ANY or hasattr(function, "__wrapped__"):
        return
    given = _ARGUMENTS.get(kind, ("event",))
    most = code.co_argcount - (getattr(function, "__self__", None) is not None)
    least = most - len(getattr(function, "__defaults__", None) or ())
    missing = code.co_kwonlyargcount - len(getattr(function, "__kwdefaults__", None) or ())
    if not least <= len(given) <= most or missing:
        raise RegistrationError(
            f"{named(function)} cannot serve as {kind}: that is called with ({', '.join(given)}). "
            f"Write def {function.__name__}({', '.join(given)})."
        )


def check_runs(kind: str, function: Any) -> None:
    """Refuse a generator where nobody iterates what the function answers."""
    code = getattr(function, "__code__", None)
    if code is not None and code.co_flags & _IS_GENERATOR:
        raise RegistrationError(
            f"{named(function)} has a `yield`, and nobody would iterate what {kind} gets of it: none of its "
            "lines would run. Return what it answers."
        )


# inspect.CO_VARARGS, CO_GENERATOR and CO_ASYNC_GENERATOR, without importing inspect
_TAKES_ANY = 0x04
_IS_GENERATOR = 0x20 | 0x200

#: Of what it may be a generator: somebody iterates it, as a view's.
_ITERATED = frozenset(
    (
        "before_request",
        "after_request",
        "teardown_request",
        "errorhandler",
        "middleware",
        "on_firehose_records",
    )
)


def checked_content_types(rule: str, value: object) -> tuple[str, ...]:
    """The media types of `content_types=`, in lower case."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise RegistrationError(
            f"content_types={value!r} for {rule!r} is no list. Write content_types=['application/json']."
        )
    if not value:
        raise RegistrationError(f"content_types={value!r} for {rule!r} leaves no body that the view reads.")
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
    api_key_required = given.pop("api_key_required", None)
    given.pop("authorizer", None)
    made = Rule(rule, view, endpoint=endpoint, converters=app.route_table.converters, **given)
    if cors is not None:
        from .http.cors import checked_cors  # loaded by apps that have a policy

        made.cors = checked_cors(cors) or False
        app.prepared_lifecycle()
    if content_types is not None:
        made.content_types = checked_content_types(rule, content_types)
    if api_key_required is not None:
        if not isinstance(api_key_required, bool):
            raise RegistrationError(f"{api_key_required=} for {rule!r} is neither True nor False.")
        made.api_key_required = made.is_protected = api_key_required
    if options.get("authorizer") is not None:
        from .auth import checked_authorizer  # loaded by apps that have one

        made.authorizer = checked_authorizer(repr(rule), options["authorizer"])
        made.is_protected = True
    elif "authorizer" in options:
        made.is_open = True
    return made


def parameter_annotation(function: Any) -> frozenset[str]:
    """The names of the classes in the annotation of the function's first parameter, without their modules.

    `Optional[SQSRecord]` and `Annotated[SQSRecord, ...]` have it among theirs; decorators and partials are
    looked through.
    """
    while True:
        below = getattr(function, "__wrapped__", None) or (
            function.func if hasattr(function, "func") and not hasattr(function, "__code__") else None
        )
        if below is None:
            break
        function = below
    if not hasattr(function, "__code__"):
        function = getattr(type(function), "__call__", function)  # noqa: B004
        first = 1
    else:
        first = int(getattr(function, "__self__", None) is not None)
    code = getattr(function, "__code__", None)
    if code is None or code.co_argcount <= first:
        return frozenset()
    annotation = _annotations(function).get(code.co_varnames[first])
    if annotation is None:
        return frozenset()
    known = getattr(function, "__globals__", {})
    words = re.findall(r"\w+", annotation if isinstance(annotation, str) else _spelled(annotation))
    return frozenset(getattr(known.get(word), "__name__", word) for word in words)


def _spelled(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _annotations(function: Any) -> dict[str, Any]:
    try:
        found: dict[str, Any] = function.__annotations__
    except NameError:  # from Python 3.14 on they are looked up late, and one is for type checkers alone
        from annotationlib import Format, get_annotations  # type: ignore[import-not-found]  # of Python 3.14

        found = get_annotations(function, format=Format.STRING)
    return found
