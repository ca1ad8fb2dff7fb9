"""App: it owns the route table, and is itself a Lambda handler."""

from __future__ import annotations

from .context import current_context
from .dispatch import dispatch
from .errors import ConfigurationError
from .http.json import JSON
from .registration import Registration
from .routing.table import RouteTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger
    from typing import Any

    from microlambda.testing.client import TestClient

    from .http.request import Request
    from .routing.rule import Rule

#: The Lambda function that all routes share.
HTTP_FUNCTION = "http"


class App(Registration):
    """A serverless application: routes, handlers and what they share.

    `name` (Chalice calls it `app_name`) is the first part of every AWS name. `debug` makes the
    log verbose. The app takes `(event, context)`, so `app.app` is a handler for any deployer.
    """

    def __init__(
        self, name: str | None = None, *, app_name: str | None = None, debug: bool | None = None
    ) -> None:
        if name is not None and app_name is not None and name != app_name:
            raise TypeError(f"App got two names, {name!r} and app_name={app_name!r}: give one.")
        self.name = name if name is not None else app_name
        self.debug = bool(debug)
        self.config: dict[str, Any] = {}
        self.route_table = RouteTable()
        self.json_encoder = JSON()
        self._logger: Logger | None = None

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer an event as AWS Lambda sends it."""
        return dispatch(self, event, context)

    def _register(self, rule: Rule) -> None:
        self.route_table.add(rule)

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the Lambda functions that the app needs."""
        return (HTTP_FUNCTION,) if len(self.route_table) else ()

    def handler(self, name: str | None) -> Callable[[Any, Any], Any]:
        """What the function `name` runs; without a name, what the event asks for."""
        if name is None or name in self.functions:
            return self
        raise ConfigurationError(
            f"the app has no handler {name!r}. It has: {', '.join(self.functions) or 'none at all'}."
        )

    @property
    def logger(self) -> Logger:
        """A standard logger whose lines carry the request id."""
        if self._logger is None:
            from .logger import make_logger

            self._logger = make_logger(self.name or "microlambda", debug=self.debug)
        return self._logger

    @property
    def log(self) -> Logger:
        """Chalice's name for `logger`."""
        return self.logger

    @property
    def json_default(self) -> Callable[[Any], Any] | None:
        """Turns what JSON has no type for into what it has; it raises TypeError for the rest."""
        return self.json_encoder.default

    @json_default.setter
    def json_default(self, function: Callable[[Any], Any] | None) -> None:
        self.json_encoder.default = function

    @property
    def current_request(self) -> Request:
        """The request being answered (Chalice's name for `microlambda.request`)."""
        return current_context("current_request").request

    @property
    def lambda_context(self) -> Any:
        """The context that AWS handed over with the request being answered."""
        return current_context("lambda_context").request.lambda_context

    def test_client(self, **options: Any) -> TestClient:
        """A client for tests, which speaks to the app through the same gateway as `microlambda local`."""
        from microlambda.testing.client import TestClient

        return TestClient(self, **options)

    def __repr__(self) -> str:
        return f"<App {self.name!r}>"
