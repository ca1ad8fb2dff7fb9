"""What routes and error handlers may be given beyond the plain case; loaded by apps that do."""

from __future__ import annotations

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
    if kind not in _HOOKS and code is not None and code.co_flags & _IS_GENERATOR:
        raise RegistrationError(
            f"{named(function)} has a `yield`, and nobody would iterate what {kind} gets of it: none of its "
            "lines would run. Return what it answers."
        )
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


# inspect.CO_VARARGS, CO_GENERATOR and CO_ASYNC_GENERATOR, without importing inspect
_TAKES_ANY = 0x04
_IS_GENERATOR = 0x20 | 0x200

#: What may answer pieces, as a view may.
_HOOKS = frozenset(("before_request", "after_request", "teardown_request", "errorhandler", "middleware"))


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
    made = Rule(rule, view, endpoint=endpoint, converters=app.route_table.converters, **given)
    if cors is not None:
        from .http.cors import checked_cors  # loaded by apps that have a policy

        made.cors = checked_cors(cors) or False
        app.prepared_lifecycle()
    if content_types is not None:
        made.content_types = checked_content_types(rule, content_types)
    return made


def parameter_annotation(function: Any) -> str | None:
    """The name of the class that the function's first parameter is annotated with, without its module."""
    code = getattr(function, "__code__", None)
    first = getattr(function, "__self__", None) is not None
    if code is None or code.co_argcount <= first:
        return None
    name = code.co_varnames[first]
    try:
        annotation = function.__annotations__.get(name)
    except NameError:  # from Python 3.14 on they are looked up late, and this one is for type checkers alone
        from annotationlib import Format, get_annotations  # type: ignore[import-not-found]  # of Python 3.14

        annotation = get_annotations(function, format=Format.STRING).get(name)
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", None)
    return None if text is None else text.strip("'\"").rpartition(".")[2]
