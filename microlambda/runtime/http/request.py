"""The request that a view sees, read from the event only as far as the view looks."""

from __future__ import annotations

import json

from ..errors import BadRequest, UnsupportedMediaType
from .headers import Headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..ingress.base import Ingress
    from ..routing.rule import Rule
    from .authorization import Authorization
    from .multidict import MultiDict

_UNREAD: Any = object()


class BadConstant(ValueError):
    """NaN or Infinity, which JSON has not (RFC 8259) and Python reads."""


def _refuse_constant(name: str) -> Any:
    raise BadConstant(f"JSON has no {name}")


class Request:
    """One HTTP request. Names are Werkzeug's; Chalice's stand beside them where they differ.

    `path` is decoded and has no stage or base path in front: that is `root_path`. `event` and
    `lambda_context` are what AWS handed to the function, untouched.
    """

    __slots__ = (
        "_args",
        "_cookies",
        "_data",
        "_form",
        "_headers",
        "_ingress",
        "_json",
        "event",
        "lambda_context",
        "method",
        "path",
        "root_path",
        "url_rule",
        "view_args",
    )

    def __init__(
        self,
        ingress: Ingress,
        event: dict[str, Any],
        lambda_context: Any,
        method: str,
        path: str,
        root_path: str = "",
    ) -> None:
        self._ingress = ingress
        self.event = event
        self.lambda_context = lambda_context
        self.method = method
        self.path = path
        self.root_path = root_path
        self.url_rule: Rule | None = None
        self.view_args: dict[str, Any] = {}
        self._headers = self._args = self._cookies = self._data = self._form = self._json = _UNREAD

    @property
    def headers(self) -> Headers:
        """The header fields, names without case."""
        if self._headers is _UNREAD:
            self._headers = Headers.trusted(self._ingress.headers(self.event))
        headers: Headers = self._headers
        return headers

    @property
    def args(self) -> MultiDict:
        """The query, decoded."""
        if self._args is _UNREAD:
            from .multidict import MultiDict

            self._args = MultiDict(self._ingress.query(self.event))
        args: MultiDict = self._args
        return args

    @property
    def cookies(self) -> MultiDict:
        """The cookies, first values by name."""
        if self._cookies is _UNREAD:
            from .cookies import parse_cookies

            self._cookies = parse_cookies(self._ingress.cookies(self.event))
        cookies: MultiDict = self._cookies
        return cookies

    @property
    def data(self) -> bytes:
        """The body as it was sent; empty where there is none."""
        if self._data is _UNREAD:
            self._data = self._body()
        data: bytes = self._data
        return data

    def _body(self) -> bytes:
        body = self.event.get("body")
        if not body:
            return b""
        if not self.event.get("isBase64Encoded"):
            return str(body).encode("utf-8", "surrogatepass")
        import binascii

        try:
            return binascii.a2b_base64(body, strict_mode=True)
        except ValueError as exc:
            raise BadRequest(f"the body is said to be base64 and is not: {exc}") from exc

    def get_data(self, as_text: bool = False) -> Any:
        """The body as bytes, or as text in UTF-8 with `as_text=True`."""
        return self.data.decode("utf-8", "replace") if as_text else self.data

    @property
    def form(self) -> MultiDict:
        """The fields of an `application/x-www-form-urlencoded` body; empty for other types."""
        if self._form is _UNREAD:
            from .multidict import MultiDict
            from .percent import query_pairs

            is_form = self.mimetype == "application/x-www-form-urlencoded"
            self._form = MultiDict(query_pairs(self.get_data(as_text=True)) if is_form else ())
        form: MultiDict = self._form
        return form

    @property
    def mimetype(self) -> str:
        """The media type of the body in lower case, without parameters."""
        return (self.headers.get("content-type") or "").partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Does the body say that it is JSON?"""
        mimetype = self.mimetype
        return mimetype == "application/json" or (
            mimetype.startswith("application/") and mimetype.endswith("+json")
        )

    @property
    def json(self) -> Any:
        """The body read as JSON: 415 where it does not say so, 400 where it is malformed (as Flask's)."""
        return self.get_json()

    def get_json(self, force: bool = False, silent: bool = False) -> Any:
        """The body read as JSON; `force` ignores its type, `silent` answers None instead of an error."""
        try:
            return self._parsed_json() if force or self.is_json else self._refuse_type()
        except (BadRequest, UnsupportedMediaType):
            if silent:
                return None
            raise

    def _refuse_type(self) -> None:
        raise UnsupportedMediaType(
            f"this view reads JSON; the body is {self.mimetype or 'of no declared type'}. "
            "Send Content-Type: application/json."
        )

    def _parsed_json(self) -> Any:
        if self._json is _UNREAD:
            try:
                self._json = json.loads(self.data, parse_constant=_refuse_constant)
            except RecursionError as exc:
                raise BadRequest("the body is no JSON that can be read: it is nested too deeply.") from exc
            except (json.JSONDecodeError, UnicodeDecodeError, BadConstant) as exc:
                if not self.data:
                    raise BadRequest("the body is empty, and JSON is due.") from exc
                raise BadRequest(f"the body is not JSON: {exc}") from exc
            except ValueError as exc:  # an int of more digits than Python reads
                raise BadRequest("the body is no JSON that can be read: a number is too long.") from exc
        return self._json

    @property
    def authorization(self) -> Authorization | None:
        """The Authorization header, taken apart."""
        from .authorization import Authorization

        return Authorization.from_header(self.headers.get("authorization"))

    @property
    def remote_addr(self) -> str | None:
        """The client's address as the gateway saw it; never what X-Forwarded-For claims."""
        return self._ingress.client_address(self.event)

    @property
    def request_id(self) -> str | None:
        """The id of this invocation of the function, which is in every log line."""
        return getattr(self.lambda_context, "aws_request_id", None)

    # Chalice's names ---------------------------------------------------------------------------

    @property
    def json_body(self) -> Any:
        """Chalice's `json`: None where the body does not say that it is JSON."""
        return self._parsed_json() if self.is_json else None

    @property
    def raw_body(self) -> bytes:
        """Chalice's `data`."""
        return self.data

    @property
    def query_params(self) -> MultiDict | None:
        """Chalice's `args`: None where there is no query."""
        return self.args or None

    @property
    def uri_params(self) -> dict[str, Any] | None:
        """Chalice's `view_args`: None where the rule captures nothing."""
        return self.view_args or None

    @property
    def context(self) -> dict[str, Any]:
        """Chalice's name for the event's `requestContext`."""
        context: dict[str, Any] = self.event.get("requestContext") or {}
        return context

    @property
    def stage_vars(self) -> dict[str, str] | None:
        """The API's stage variables."""
        variables: dict[str, str] | None = self.event.get("stageVariables")
        return variables

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold of the request, without its body (Chalice's)."""
        return {
            "method": self.method,
            "path": self.path,
            "query_params": self.args.to_dict() or None,
            "headers": dict(self.headers.items()),
            "uri_params": self.uri_params,
            "context": self.context,
            "stage_vars": self.stage_vars,
        }

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"
