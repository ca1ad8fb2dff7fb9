"""Blueprint: routes, hooks and handlers recorded now, registered with an app later, under a prefix.

    shop = Blueprint("shop", url_prefix="/shop")

    @shop.get("/orders/<int:id>")
    def order(id): ...

    app.register_blueprint(shop)
    app.register_blueprint(shop, url_prefix="/eu/shop", name="eu-shop")

What it records is carried out once for each registration.
"""

from __future__ import annotations

from .awaiting import named
from .context import current_context
from .errors import RegistrationError
from .registration import Registration
from .routing.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger
    from typing import Any, TypeVar

    from .app import App
    from .http.cors import CORS
    from .triggers.base import Trigger

    View = TypeVar("View", bound=Callable[..., Any])
    Record = Callable[[App, "Scope"], None]

_REGISTER_OPTIONS = ("url_prefix", "name", "name_prefix", "cors", "url_defaults", "authorizer")

#: The authorizer of a blueprint that says nothing of one: what is around it has its way.
_INHERITED: Any = object()


class Scope:
    """One registration of a blueprint: what its routes and handlers get in front of their own.

    `names` are the blueprint's full name and those of the blueprints around it, innermost first.
    `is_new` tells whether hooks of this name are registered for the first time, `is_first` whether the
    blueprint itself is.
    """

    name: str
    handlers: str
    defaults: dict[str, Any]
    _prefix: str
    _cors: CORS | bool | None
    _authorizer: Any

    def __init__(self, blueprint: Blueprint, outer: Scope | None, options: dict[str, Any]) -> None:
        own_name = _checked_name(options.get("name") or blueprint.name)
        self.name = own_name if outer is None else f"{outer.name}.{own_name}"
        self.names: tuple[str, ...] = (self.name, *(outer.names if outer is not None else ()))
        prefix = options.get("url_prefix")
        self._prefix = _joined(
            outer._prefix if outer is not None else "",
            _checked_prefix(blueprint.url_prefix if prefix is None else prefix),
        )
        # Not `name`, which tells endpoints apart: a blueprint's functions are there once.
        name_prefix = options.get("name_prefix")
        own_part = f"{blueprint.name}." if name_prefix is None else name_prefix  # Chalice's
        self.handlers = own_part if outer is None else f"{outer.handlers}{own_part}"
        self._cors = _policy(options.get("cors"), blueprint.cors, outer._cors if outer is not None else None)
        self._authorizer = _authorizer(
            options.get("authorizer", _INHERITED),
            blueprint.authorizer_for_routes,
            _INHERITED if outer is None else outer._authorizer,
        )
        self.defaults = {
            **(outer.defaults if outer is not None else {}),
            **(blueprint.url_defaults or {}),
            **(options.get("url_defaults") or {}),
        }
        self.is_new = self.is_first = True

    def path(self, rule: str) -> str:
        """The rule with the prefix in front."""
        return _joined(self._prefix, rule)

    def adopt(self, rule: Rule) -> None:
        """Note on the rule whose it is, and the policy and the authorizer that it has no own one for."""
        rule.blueprints = self.names
        rule.registration = self
        if rule.cors is None:
            rule.cors = self._cors
        if self._authorizer is None:
            rule.is_open = rule.authorizer is None
        elif self._authorizer is not _INHERITED:
            from .auth import protect

            protect(rule, self._authorizer)


class Blueprint(Registration):
    """A part of an application, registered with `app.register_blueprint`, several times if need be.

    `name` is the first part of its endpoints and handlers' names; of a dotted one (`__name__`, as in
    Chalice) the last part counts. `url_prefix` comes before its paths and may capture; `cors`,
    `authorizer` and `url_defaults` are for its routes. Blueprints nest. What comes after it was registered
    itself is refused.
    """

    def __init__(
        self,
        name: str,
        import_name: str | None = None,  # noqa: ARG002  # Flask's second argument: where templates would be
        *,
        url_prefix: str | None = None,
        url_defaults: dict[str, Any] | None = None,
        cors: CORS | bool | None = None,
        authorizer: Any = _INHERITED,
    ) -> None:
        self.name = _checked_name(str(name).rpartition(".")[2])
        self.url_prefix = _checked_prefix(url_prefix)
        self.url_defaults = url_defaults
        self.cors = _policy(cors)
        self.authorizer_for_routes = _authorizer(authorizer)
        self._records: list[Record] = []
        self._children: list[Blueprint] = []
        self._is_registered = False

    def _record(self, what: str, record: Record) -> None:
        if self._is_registered:
            raise RegistrationError(
                f"{what} comes after the blueprint {self.name!r} was registered, so no app would get it. "
                "Call register_blueprint() when the blueprint is complete."
            )
        self._records.append(record)

    def _add_route(
        self, rule: str, view: Callable[..., Any], endpoint: str | None, options: dict[str, Any]
    ) -> None:
        own = endpoint or getattr(view, "__name__", None) or type(view).__name__
        if "." in own:
            raise RegistrationError(f"the endpoint {own!r} of a blueprint has a '.', which parts blueprints.")

        def add(app: App, scope: Scope) -> None:
            given = dict(options)
            if scope.defaults:
                given["defaults"] = {**scope.defaults, **(options.get("defaults") or {})}
            app._add_route(scope.path(rule), view, f"{scope.name}.{own}", given, scope)

        self._record(f"the route {rule!r}", add)

    def _record_function(self, kind: str, function: Callable[..., Any], record: Record) -> None:
        from .registration_options import check_function

        check_function(kind, function)
        self._record(f"the {kind} {named(function)}", record)

    def _add_hook(self, stage: str, function: Callable[..., Any], everywhere: bool) -> None:
        def add(app: App, scope: Scope) -> None:
            if scope.is_first if everywhere else scope.is_new:
                app._add_hook(stage, function, everywhere, scope)

        self._record_function(f"{stage}_request", function, add)

    def _add_error_handler(
        self, wanted: tuple[int | None, type], function: Callable[..., Any], everywhere: bool
    ) -> None:
        def add(app: App, scope: Scope) -> None:
            if scope.is_first if everywhere else scope.is_new:
                app._add_error_handler(wanted, function, everywhere, scope)

        self._record_function("errorhandler", function, add)

    def _add_middleware(self, function: Callable[..., Any], kind: str) -> None:
        def add(app: App, scope: Scope) -> None:
            if scope.is_new:
                app._add_middleware(function, kind, scope)

        self._record_function("middleware", function, add)

    def _add_handler(
        self, kind: str, function: Callable[..., Any], name: str | None, trigger: Trigger
    ) -> None:
        self._record_function(
            kind, function, lambda app, scope: app._add_handler(kind, function, name, trigger, scope)
        )

    @property
    def current_app(self) -> App:
        """The app that is answering (Chalice's)."""
        return current_context("current_app").app

    @property
    def log(self) -> Logger:
        """The logger of the app that is answering (Chalice's)."""
        return current_context("log").app.logger

    def before_app_request(self, function: View) -> View:
        """`before_request` for the whole app."""
        self._add_hook("before", function, everywhere=True)
        return function

    def after_app_request(self, function: View) -> View:
        """`after_request` for the whole app."""
        self._add_hook("after", function, everywhere=True)
        return function

    def teardown_app_request(self, function: View) -> View:
        """`teardown_request` for the whole app."""
        self._add_hook("teardown", function, everywhere=True)
        return function

    def app_errorhandler(self, error: int | type[BaseException]) -> Callable[[View], View]:
        """`errorhandler` for the whole app."""
        return self._error_decorator(error, everywhere=True)

    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Nest another blueprint: its prefix and name come behind this one's."""
        _check_options(blueprint, options)
        if blueprint is self or blueprint.holds(self):
            raise RegistrationError(f"the blueprint {self.name!r} cannot be registered with itself.")
        self._children.append(blueprint)
        self._record(
            f"the blueprint {blueprint!r}",
            lambda app, scope: register(app, blueprint, options, scope),
        )

    def holds(self, other: Blueprint) -> bool:
        """Is the other one nested in it, at any depth?"""
        return any(child is other or child.holds(other) for child in self._children)

    def __repr__(self) -> str:
        return f"<Blueprint {self.name!r}>"


def register(app: App, blueprint: Blueprint, options: dict[str, Any], outer: Scope | None = None) -> None:
    """Carry out with the app all that the blueprint recorded; `outer` is the one that it is nested in."""
    _check_options(blueprint, options)
    scope, known = Scope(blueprint, outer, options), app._blueprints
    taken = known.get(scope.name)
    if taken is not None and taken is not blueprint:
        raise RegistrationError(
            f"there is another blueprint called {scope.name!r}. Register this one with a name of its own: "
            f"register_blueprint(..., name={scope.name.rpartition('.')[2] + '_2'!r})."
        )
    scope.is_new = taken is None
    scope.is_first = not any(one is blueprint for one in known.values())
    known[scope.name] = blueprint
    blueprint._is_registered = True
    for record in blueprint._records:
        record(app, scope)


def _check_options(blueprint: object, options: dict[str, Any]) -> None:
    if not isinstance(blueprint, Blueprint):
        raise RegistrationError(f"register_blueprint() takes a Blueprint, not {blueprint!r}.")
    unknown = sorted(options.keys() - set(_REGISTER_OPTIONS))
    if unknown:
        raise TypeError(
            f"register_blueprint() takes no {unknown[0]!r}. Known: {', '.join(_REGISTER_OPTIONS)}."
        )


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not name or "." in name:
        raise RegistrationError(f"{name!r} is no name for a blueprint: it is a str without '.'.")
    return name


def _checked_prefix(prefix: str | None) -> str:
    if not prefix or prefix == "/":
        return ""
    if not isinstance(prefix, str):
        raise RegistrationError(f"url_prefix={prefix!r} is no str.")
    if not prefix.startswith("/"):
        raise RegistrationError(f"url_prefix={prefix!r} does not start with '/'. Write '/{prefix}'.")
    return prefix


def _joined(prefix: str, rule: str) -> str:
    if not prefix or not rule:
        return prefix or rule
    return f"{prefix.rstrip('/')}/{rule.lstrip('/')}"


def _authorizer(*candidates: Any) -> Any:
    """The first that says something; None opens the routes."""
    for candidate in candidates:
        if candidate is not _INHERITED:
            from .auth import checked_authorizer

            return checked_authorizer("a blueprint", candidate)
    return _INHERITED


def _policy(*candidates: CORS | bool | None) -> CORS | bool | None:
    """The first that says something; False where that is "none"."""
    from .http.cors import checked_cors

    for candidate in candidates:
        if candidate is not None:
            return checked_cors(candidate) or False
    return None
