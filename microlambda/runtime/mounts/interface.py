"""What an application speaks, by how it is called: WSGI takes (environ, start_response), ASGI a scope."""

from __future__ import annotations

from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_COROUTINE = 0x80  # inspect.CO_COROUTINE, without importing inspect
_TAKES_ANY = 0x04  # inspect.CO_VARARGS
_LAYERS = 50  # of decorators, which could wrap themselves
INTERFACES = ("wsgi", "asgi")


def interface_of(path: str, application: Any) -> str:
    """Either "asgi" or "wsgi"; RegistrationError for an application as ASGI 2 had it."""
    names = parameters_of(application)
    if is_coroutine(application) or (names is not None and len(names) >= 3 and names[0] == "scope"):
        return "asgi"
    if names is not None and names[:1] == ("scope",):
        raise called_twice(path, application)
    return "asgi" if required_of(application) == 3 else "wsgi"


def called_twice(path: str, application: Any) -> RegistrationError:
    """The error for an application as ASGI 2 had it."""
    return RegistrationError(
        f"the application at {path!r} is {application!r}, which is called twice, with a scope and then "
        "with receive and send, as ASGI 2 had it. Mount what "
        "asgiref.compatibility.guarantee_single_callable() makes of it."
    )


def required_of(application: Any) -> int | None:
    """How many arguments it has to be called with, where that can be told."""
    if _is_partial(application):
        names = parameters_of(application.func)
        left = () if names is None else names[len(application.args) :]
        count = required_of(application.func)
        given = len(application.args) + len([name for name in left if name in application.keywords])
        return None if count is None else count - given
    names = parameters_of(application)
    return None if names is None else len(names) - len(_innermost(application).__defaults__ or ())


def parameters_of(application: Any) -> tuple[str, ...] | None:
    """The names of what it is called with; None where they cannot be told, as of an extension's."""
    if _is_partial(application):
        names = parameters_of(application.func)
        return None if names is None else names[len(application.args) :]
    function = _innermost(application)
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & _TAKES_ANY:
        return None
    given: tuple[str, ...] = code.co_varnames[: code.co_argcount]
    return given[1:] if is_instance(application) or hasattr(type(application), "__func__") else given


def is_coroutine(application: Any) -> bool:
    """Is it called as ASGI has it, by `await`?"""
    if _is_partial(application):
        return is_coroutine(application.func)
    codes = [getattr(one(application), "__code__", None) for one in (function_of, _innermost)]
    return any(code is not None and code.co_flags & _COROUTINE for code in codes)


def _innermost(application: Any) -> Any:
    """What runs below decorators that take whatever comes (`*args`) and say what they wrap."""
    function = function_of(application)
    for _ in range(_LAYERS):
        code = getattr(function, "__code__", None)
        if code is None or not code.co_flags & _TAKES_ANY or not hasattr(function, "__wrapped__"):
            break
        function = function.__wrapped__
    return function


# By the type alone: asking a proxy, such as Flask's `request`, for an attribute asks what it stands for.


def is_instance(application: Any) -> bool:
    """Is it of a class with a `__call__`, and neither a function nor a method?"""
    return not (hasattr(type(application), "__code__") or hasattr(type(application), "__func__"))


def function_of(application: Any) -> Any:
    """What runs when it is called: itself, the method's function, or its class's `__call__`."""
    if is_instance(application):
        call = type(application).__call__
        if type(call).__name__ == "member_descriptor":  # in a slot, as that of Sentry's middleware
            return function_of(application.__call__)
        return call
    return application if hasattr(type(application), "__code__") else application.__func__


def _is_partial(application: Any) -> bool:
    kind = type(application)
    return kind.__name__ == "partial" and kind.__module__ == "functools"
