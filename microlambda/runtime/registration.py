"""The decorators that App and Blueprint share: App carries out what they say, Blueprint keeps it."""

from __future__ import annotations

from .context import current_context, current_request
from .errors import RegistrationError
from .late import lend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from .event_decorators import EventDecorators as _Events
    from .http.request import Request
    from .triggers.base import Trigger

    View = TypeVar("View", bound=Callable[..., Any])
else:
    _Events = object


class Registration(_Events):
    """The `@app.route` family, hooks, error handlers, middleware; the decorators of events are lent to it."""

    if TYPE_CHECKING:

        def _add_route(
            self, rule: str, view: Callable[..., Any], endpoint: str | None, options: dict[str, Any]
        ) -> None:
            """Take a view; `options` are those of `route` that were given."""

        def _add_hook(self, stage: str, function: Callable[..., Any], everywhere: bool) -> None:
            """Take a hook; `everywhere` is for the whole app, whoever registers it."""

        def _add_error_handler(
            self, wanted: tuple[int | None, type], function: Callable[..., Any], everywhere: bool
        ) -> None:
            """Take a handler of errors; `wanted` is what `checked_error` made of those that it is for."""

        def _add_middleware(self, function: Callable[..., Any], kind: str) -> None:
            """Take a middleware for handlers of that kind."""

        def _add_handler(
            self, kind: str, function: Callable[..., Any], name: str | None, trigger: Trigger
        ) -> None:
            """Take a handler of events, and what its decorator declares."""

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register the decorated function as the view of `rule`.

        `methods` (an iterable of str, any case; GET alone by default), `endpoint` (`name` in
        Chalice; the function's name by default), `strict_slashes` (a missing trailing slash is
        a redirect; True by default), `defaults` (arguments that the rule does not capture), `cors`
        (True, False or a CORS), `content_types` (the bodies that the view reads; 415 for others),
        `api_key_required` (True: callers need an API key, which a REST API checks; 403 for others),
        `authorizer` (who decides about callers; None opens a route of an app or blueprint that has one).
        Raises RegistrationError or its kind RouteConflict at once.
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
        name: str | None = None,
        **options: Any,
    ) -> None:
        """Register `view_func` as the view of `rule`, without a decorator (Flask's signature)."""
        if not _OPTIONS.issuperset(options):
            from .registration_options import unknown_option

            raise TypeError(unknown_option(rule, options, _OPTIONS))
        if not callable(view_func):
            raise RegistrationError(f"the view of {rule!r} is {view_func!r}, which cannot be called.")
        self._add_route(rule, view_func, endpoint or name, options)

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

    def before_request(self, function: View) -> View:
        """Run it before each view; what it answers, unless None, is answered instead of the view's."""
        self._add_hook("before", function, everywhere=False)
        return function

    def after_request(self, function: View) -> View:
        """Run it with each response, errors included; it answers the response to send."""
        self._add_hook("after", function, everywhere=False)
        return function

    def teardown_request(self, function: View) -> View:
        """Run it at the end of each request, with the error that nobody handled or None."""
        self._add_hook("teardown", function, everywhere=False)
        return function

    def errorhandler(self, error: int | type[BaseException]) -> Callable[[View], View]:
        """Answer errors of that status or class (its subclasses too) with what the function answers."""
        return self._error_decorator(error, everywhere=False)

    def _error_decorator(self, error: int | type[BaseException], everywhere: bool) -> Callable[[View], View]:
        from .registration_options import checked_error

        wanted = checked_error(error)  # here: of a decorator without parentheses nothing else would be called

        def register(function: View) -> View:
            self._add_error_handler(wanted, function, everywhere)
            return function

        return register

    def register_error_handler(self, error: int | type[BaseException], function: Callable[..., Any]) -> None:
        """`errorhandler` without a decorator."""
        self.errorhandler(error)(function)

    def middleware(self, kind: str = "all") -> Callable[[View], View]:
        """Run the function around every handler of that kind: "http", "lambda_function" or "all".

        It takes the request (or the event) and `get_response`, which it calls with it; errors of
        views come out of that call.
        """
        from .middleware import checked_kind

        checked = checked_kind(kind)

        def register(function: View) -> View:
            self._add_middleware(function, checked)
            return function

        return register

    def register_middleware(self, function: Callable[..., Any], event_type: str = "all") -> None:
        """`middleware` without a decorator (Chalice's signature)."""
        self.middleware(event_type)(function)

    @property
    def current_request(self) -> Request:
        """The request being answered (Chalice's name for `microlambda.request`)."""
        return current_request("current_request")

    @property
    def lambda_context(self) -> Any:
        """The context that AWS handed over with the event being answered."""
        return current_context("lambda_context").lambda_context


#: The Lambda function that all routes share.
HTTP_FUNCTION = "http"

#: What `route` takes beside the path, `endpoint` and `name`.
_OPTIONS = frozenset(
    ("methods", "strict_slashes", "defaults", "cors", "content_types", "api_key_required", "authorizer")
)


def _only(decorator: str, options: dict[str, Any], method: str) -> list[str]:
    if "methods" in options:
        raise TypeError(
            f"@app.{decorator} is for {method} alone: take @app.route for methods={options['methods']!r}."
        )
    return [method]


#: The decorators of handlers of events, which load when the first of them is used.
EVENT_DECORATORS = (
    "schedule on_s3_event on_sqs_message on_sns_message on_dynamodb_record on_kinesis_record on_event "
    "on_cw_event on_kafka_record on_mq_message on_documentdb_change on_log_events on_alarm on_email "
    "on_cognito on_iot_message on_firehose_records on_ws_connect on_ws_message on_ws_disconnect on "
    "lambda_function authorizer task"
)

lend(
    Registration, f"{__package__}.event_decorators", "EventDecorators", f"_on _registering {EVENT_DECORATORS}"
)
