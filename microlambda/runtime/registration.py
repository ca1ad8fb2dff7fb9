"""The decorators that register views; what App and Blueprint have in common."""

from __future__ import annotations

from .errors import RegistrationError
from .routing.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    View = TypeVar("View", bound=Callable[..., Any])

#: What `route` takes, for the nearest name in the error about one that it does not take.
_ROUTE_OPTIONS = ("methods", "endpoint", "name", "strict_slashes")


class Registration:
    """The `@app.route` family."""

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register the decorated function as the view of `rule`.

        `methods` (an iterable of str, any case; GET alone by default), `endpoint` (`name` in
        Chalice; the function's name by default), `strict_slashes` (a missing trailing slash is
        a redirect; True by default). Raises RegistrationError or its kind RouteConflict at once.
        """
        if not isinstance(rule, str):
            raise RegistrationError(f"a route takes its path: write @app.get('/path') instead of {rule!r}.")

        def register(view: View) -> View:
            self.add_url_rule(rule, view_func=view, **options)
            return view

        return register

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        *,
        methods: Iterable[str] | None = None,
        name: str | None = None,
        strict_slashes: bool = True,
        **unknown: Any,
    ) -> None:
        """Register `view_func` as the view of `rule`, without a decorator (Flask's signature)."""
        if unknown:
            raise TypeError(_unknown_option(rule, next(iter(unknown))))
        if not callable(view_func):
            raise RegistrationError(f"the view of {rule!r} is {view_func!r}, which cannot be called.")
        self._register(
            Rule(rule, view_func, methods=methods, endpoint=endpoint or name, strict_slashes=strict_slashes)
        )

    if TYPE_CHECKING:

        def _register(self, rule: Rule) -> None:
            """Keep the rule; App puts it into its table."""

    def get(self, rule: str, **options: Any) -> Callable[[View], View]:
        """`route` for GET (and HEAD)."""
        return self.route(rule, methods=_only("get", options, "GET"), **options)

    def post(self, rule: str, **options: Any) -> Callable[[View], View]:
        """`route` for POST."""
        return self.route(rule, methods=_only("post", options, "POST"), **options)

    def put(self, rule: str, **options: Any) -> Callable[[View], View]:
        """`route` for PUT."""
        return self.route(rule, methods=_only("put", options, "PUT"), **options)

    def patch(self, rule: str, **options: Any) -> Callable[[View], View]:
        """`route` for PATCH."""
        return self.route(rule, methods=_only("patch", options, "PATCH"), **options)

    def delete(self, rule: str, **options: Any) -> Callable[[View], View]:
        """`route` for DELETE."""
        return self.route(rule, methods=_only("delete", options, "DELETE"), **options)


def _only(decorator: str, options: dict[str, Any], method: str) -> list[str]:
    if "methods" in options:
        raise TypeError(
            f"@app.{decorator} is for {method} alone: take @app.route for methods={options['methods']!r}."
        )
    return [method]


def _unknown_option(rule: str, name: str) -> str:
    from difflib import get_close_matches  # only an error pays for it

    near = get_close_matches(name, _ROUTE_OPTIONS, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(_ROUTE_OPTIONS)}."
    return f"route({rule!r}) takes no {name!r}. {hint}"
