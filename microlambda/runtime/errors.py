"""Every error that microlambda raises, in one tree.

    MicrolambdaError
    ├── RegistrationError         a decorator was given something that cannot work; raised at import
    │   └── RouteConflict         two views ask for the same path and method
    ├── ConfigurationError        the function's environment names no app or no handler that exists
    ├── UnknownEvent              an event that no ingress and no source recognises
    ├── WrongAnswer               a handler of events answered what its source cannot take
    ├── TaskError                 a task cannot be handed over: its arguments, their size, or where it runs
    ├── WebSocketDisconnected     the connection that a message was for is gone
    ├── MessageTooLarge           a message for a WebSocket connection is over 128 kB
    ├── OutsideRequest            the current request was read where there is none
    ├── EncodingError             an answer that JSON or HTTP cannot hold
    ├── BuildError                `url_for` finds no rule for the endpoint and the values
    ├── RequestRedirect           the route table knows the path under another spelling
    └── HTTPException             an answer in itself: status, title and detail (RFC 9457)
        └── BadRequest (400), NotFound (404), ... one class for each status that views raise by name

The developer's tools add their own branch, `ToolError`, in `microlambda.project.errors`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class MicrolambdaError(Exception):
    """The root of every error that microlambda raises on purpose."""


class RegistrationError(MicrolambdaError, ValueError):
    """A decorator was given something that cannot work."""


class RouteConflict(RegistrationError):
    """Two views ask for the same path and method."""


class ConfigurationError(MicrolambdaError):
    """The function's environment does not name an app or a handler that exists."""


class UnknownEvent(MicrolambdaError):
    """The event has none of the shapes that AWS sends to this app."""


class WrongAnswer(MicrolambdaError, TypeError):
    """A handler of events answered what the source of its events cannot take."""


class TaskError(MicrolambdaError, ValueError):
    """A task cannot be handed over: its arguments are no JSON or too large, or nobody says where it runs."""


class WebSocketDisconnected(MicrolambdaError, ConnectionError):
    """The client of a WebSocket connection is gone: nothing can be sent to `connection_id` any more."""

    def __init__(self, connection_id: str) -> None:
        super().__init__(f"the client of the WebSocket connection {connection_id!r} is gone.")
        self.connection_id = connection_id


class MessageTooLarge(MicrolambdaError, ValueError):
    """A WebSocket message is larger than API Gateway takes."""


class OutsideRequest(MicrolambdaError, RuntimeError):
    """`request`, `g` or `current_app` was read where no request is being answered."""


class EncodingError(MicrolambdaError, TypeError):
    """A view answered something that JSON or HTTP cannot hold."""


class BuildError(MicrolambdaError, LookupError):
    """`url_for` finds no rule for the endpoint and the values that it was given."""


class RequestRedirect(MicrolambdaError):
    """The route table knows the path under another spelling: `path` is the one to ask for."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class HTTPException(MicrolambdaError):
    """An error that is an answer: raise it in a view, and the caller gets its status and detail.

    `detail` is the sentence for the caller. `headers` are sent with the answer. The body is
    `application/problem+json` (RFC 9457) with `type`, `title`, `status` and `detail`. A status that
    has no class of its own is `HTTPException(detail, status_code=418)`, or `abort(418, detail)`. A subclass
    may set Werkzeug's `code`, `name` and `description`, too.
    """

    status_code = 500
    title = "Internal Server Error"
    detail: str | None = None
    headers: Mapping[str, Any] = {}
    response: Any = None  # what `abort(response)` answers instead of a problem document

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        own = cls.__dict__
        for theirs, ours in (("code", "status_code"), ("name", "title"), ("description", "detail")):
            if theirs in own:
                setattr(cls, ours, own[theirs])
        if "title" not in own and "status_code" in own:
            cls.title = standard_title(cls.status_code)

    def __init__(
        self,
        detail: object = None,
        *,
        headers: Mapping[str, Any] | None = None,
        status_code: int | None = None,
        title: str | None = None,
        description: object = None,
    ) -> None:
        if status_code is not None:
            self.status_code = int(status_code)
            self.title = title or standard_title(status_code)
        elif title is not None:
            self.title = title
        sentence = description if detail is None else detail  # Werkzeug's name
        if sentence is not None:
            self.detail = str(sentence)
        super().__init__(self.detail or self.title)
        if headers is not None:
            self.headers = headers

    @property
    def problem(self) -> dict[str, object]:
        """The members of the problem document, `detail` only where there is one."""
        problem: dict[str, object] = {"type": "about:blank", "title": self.title, "status": self.status_code}
        if self.detail:
            problem["detail"] = self.detail
        return problem

    @property
    def code(self) -> int:
        """Werkzeug's name for `status_code`."""
        return self.status_code

    @property
    def name(self) -> str:
        """Werkzeug's name for `title`."""
        return self.title

    @property
    def description(self) -> str | None:
        """Werkzeug's name for `detail`."""
        return self.detail


def standard_title(status: int) -> str:
    """The status's phrase in the standard library's table."""
    from http import HTTPStatus  # loaded for the rare statuses that no class of ours stands for

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


class BadRequest(HTTPException):
    """400: the request is malformed."""

    status_code = 400
    title = "Bad Request"


class Unauthorized(HTTPException):
    """401: credentials are missing or wrong; send `WWW-Authenticate` with it."""

    status_code = 401
    title = "Unauthorized"


class Forbidden(HTTPException):
    """403: the caller is known and may not do this."""

    status_code = 403
    title = "Forbidden"


class NotFound(HTTPException):
    """404: nothing lives at this path."""

    status_code = 404
    title = "Not Found"


class MethodNotAllowed(HTTPException):
    """405: the path exists, with other methods, which `Allow` lists."""

    status_code = 405
    title = "Method Not Allowed"

    def __init__(
        self,
        detail: object = None,
        *,
        headers: Mapping[str, Any] | None = None,
        allowed: tuple[str, ...] = (),
        description: object = None,
    ) -> None:
        super().__init__(detail, headers=headers, description=description)
        self.allowed = allowed
        if allowed:
            self.headers = {**self.headers, "Allow": ", ".join(allowed)}


class NotAcceptable(HTTPException):
    """406: no representation that the caller accepts."""

    status_code = 406
    title = "Not Acceptable"


class Conflict(HTTPException):
    """409: the request contradicts the state of the resource."""

    status_code = 409
    title = "Conflict"


class Gone(HTTPException):
    """410: it lived here and will not come back."""

    status_code = 410
    title = "Gone"


class ContentTooLarge(HTTPException):
    """413: the body is larger than this app takes."""

    status_code = 413
    title = "Content Too Large"


class UnsupportedMediaType(HTTPException):
    """415: the body has a type that this view does not read."""

    status_code = 415
    title = "Unsupported Media Type"


class UnprocessableEntity(HTTPException):
    """422: well formed, and wrong in its content."""

    status_code = 422
    title = "Unprocessable Content"


class TooManyRequests(HTTPException):
    """429: the caller asks too often; send `Retry-After` with it."""

    status_code = 429
    title = "Too Many Requests"


class InternalServerError(HTTPException):
    """500: the app failed. An unforeseen error becomes one without a detail: the log has the traceback.

    `original_exception` is that error, for an `errorhandler(500)`; None where a view raised this one itself.
    """

    original_exception: BaseException | None = None


class ServiceUnavailable(HTTPException):
    """503: try again later; send `Retry-After` with it."""

    status_code = 503
    title = "Service Unavailable"
