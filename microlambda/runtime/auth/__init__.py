"""Which authorizer a rule has: an object, or the handler of a function under `@app.authorizer`.

Of this package ships what an app names: whatever `authorizer=` may be given, has a name of its.
"""

from __future__ import annotations

from ..awaiting import named
from ..errors import ConfigurationError, RegistrationError
from .authorizers import Authorizer, FunctionAuthorizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App
    from ..routing.rule import Rule


def authorizer_of(app: App, declared: Any) -> Authorizer:
    """The authorizer that `authorizer=` named; ConfigurationError for a function that is none."""
    if isinstance(declared, Authorizer):
        return declared
    for handler in app.handlers.values():
        if handler.kind == "authorizer" and handler.function is declared:
            return FunctionAuthorizer(handler)
    raise ConfigurationError(
        f"{named(declared)} is no authorizer of this App. Decorate it with @app.authorizer(), and register "
        "the blueprint that it is in."
    )


def checked_authorizer(where: str, value: Any) -> Any:
    """What `authorizer=` was given, for a route, a blueprint or an app."""
    if value is None or isinstance(value, Authorizer):
        return value
    if isinstance(value, type) and issubclass(value, Authorizer):
        raise RegistrationError(f"authorizer={value.__name__} for {where} is the class: make one of it.")
    if not callable(value):
        raise RegistrationError(
            f"authorizer={value!r} for {where} is none. Give a function under @app.authorizer(), a "
            "JWTAuthorizer, CognitoUserPoolAuthorizer, IAMAuthorizer or CustomAuthorizer."
        )
    return value


def set_default(app: App, value: Any) -> None:
    """Let the app have a default, and with it the routes that it has already."""
    if app._default_authorizer is not None:
        raise RegistrationError("app.default_authorizer is set already, and routes have it.")
    for prefix, _ in app.route_table.mounts:
        raise no_default_beside(prefix or "/")
    app._default_authorizer = checked_authorizer("app.default_authorizer", value)
    for rule in app.route_table:
        protect(rule, value)


def no_default_beside(path: str) -> RegistrationError:
    """A default authorizer and an application mounted at `path`, which it would not protect."""
    return RegistrationError(
        f"app.default_authorizer cannot protect what is mounted at {path!r}: the gateway asks it at "
        "routes of the app. Give those an authorizer each, and let the application ask its callers itself."
    )


def protect(rule: Rule, authorizer: Any) -> None:
    """Let the rule have that authorizer, unless it has one or is open by its own word."""
    if rule.authorizer is None and not rule.is_open:
        rule.authorizer = authorizer
        rule.is_protected = rule.is_protected or authorizer is not None
