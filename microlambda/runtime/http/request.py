"""The request that a view sees, read from the event only as far as the view looks.

This file has what nearly every view reads, for each cold start loads it. The other names of Werkzeug's,
Flask's and Chalice's requests live in `header_fields` and `request_fields`, which the first of them loads.
"""

from __future__ import annotations

from ..late import lend
from .headers import Headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..ingress.base import Ingress
    from ..routing.rule import Rule
    from .multidict import MultiDict
    from .request_fields import RequestFields as _Rare

    lazy = property
else:
    _Rare = object

    class lazy:  # noqa: N801  # a decorator, like property
        """A property that is computed once; what it gave can be set and deleted like any attribute."""

        __slots__ = ("name", "read")

        def __init__(self, read: Callable[[Any], Any]) -> None:
            self.read = read
            self.name = read.__name__

        def __get__(self, instance: Any, owner: type) -> Any:
            if instance is None:
                return self
            value = instance.__dict__[self.name] = self.read(instance)
            return value


_NO_CONFIG: Mapping[str, Any] = {}


class Request(_Rare):
    """One HTTP request. Names are Werkzeug's; Chalice's stand beside them where they differ.

    `path` is decoded and has no stage or base path in front: that is `root_path`. `event` and
    `lambda_context` are what AWS handed to the function, untouched. As in Flask, a view may keep
    attributes of its own on it.
    """

    __slots__ = (
        "__dict__",
        "_ingress",
        "_to_close",
        "config",
        "event",
        "lambda_context",
        "method",
        "path",
        "root_path",
        "url_rule",
        "view_args",
    )

    routing_exception: Exception | None = None  # why no view is reached, for hooks (Flask's)

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
        self.config = _NO_CONFIG
        self._to_close: list[Any] | None = None  # by close(), if there is anything

    @lazy
    def headers(self) -> Headers:
        """The header fields, names without case."""
        return Headers.trusted(self._ingress.headers(self.event))

    @lazy
    def args(self) -> MultiDict:
        """The query, decoded."""
        from .multidict import MultiDict

        return MultiDict(self._ingress.query(self.event))

    @lazy
    def cookies(self) -> MultiDict:
        """The cookies, first values by name."""
        from .cookies import parse_cookies

        return parse_cookies(self._ingress.cookies(self.event))

    @lazy
    def data(self) -> bytes:
        """The body as it was sent; empty where there is none.

        Raises `BadRequest` where it is said to be base64 and is not, and `ContentTooLarge` where it
        is over `max_content_length`.
        """
        if "max_content_length" in self.__dict__ or self.config.get("MAX_CONTENT_LENGTH") is not None:
            return self._limited_body()
        return self._ingress.body(self.event)

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

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body read as JSON, once unless `cache` is false.

        `force` ignores its type; `silent` answers None instead of an error.
        """
        if cache and "_json" in self.__dict__:
            return self.__dict__["_json"]
        from .json_body import read_json

        return read_json(self, force, silent, cache)

    @property
    def request_id(self) -> str | None:
        """The id of this invocation of the function, which is in every log line."""
        return getattr(self.lambda_context, "aws_request_id", None)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"


lend(
    Request,
    f"{__package__}.header_fields",
    "HeaderFields",
    "content_type mimetype_params charset content_length content_encoding content_md5 "
    "authorization user_agent referrer origin access_control_request_method "
    "access_control_request_headers accept_mimetypes accept_charsets accept_encodings "
    "accept_languages if_match if_none_match if_modified_since if_unmodified_since if_range "
    "range cache_control pragma date max_forwards",
)
lend(
    Request,
    f"{__package__}.request_fields",
    "RequestFields",
    "scheme is_secure host query_string _query full_path url base_url root_url url_root "
    "host_url script_root remote_addr remote_user endpoint blueprint blueprints get_data "
    "_limited_body stream form files _read_form values close max_content_length "
    "max_form_memory_size max_form_parts _limit json_body raw_body query_params uri_params "
    "context stage_variables stage_vars to_dict authorizer",
)
