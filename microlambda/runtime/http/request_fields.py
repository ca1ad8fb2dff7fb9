"""The names of a request that few views read: where it went, its form, its limits, and Chalice's names.

They are lent to `Request` (see `late`), so that a cold start does not load them.
"""

from __future__ import annotations

from ..errors import ContentTooLarge
from .request import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO, Any, Literal, overload

    from ..ingress.base import Ingress
    from ..routing.rule import Rule
    from .authorizer_result import AuthorizerResult
    from .file_storage import FileStorage
    from .header_fields import HeaderFields
    from .multidict import MultiDict
else:
    HeaderFields = object


class RequestFields(HeaderFields):
    """The rare half of `Request`."""

    if TYPE_CHECKING:
        __dict__: dict[str, Any]
        _ingress: Ingress
        _to_close: list[Any] | None
        config: Mapping[str, Any]
        event: dict[str, Any]
        method: str
        path: str
        root_path: str
        url_rule: Rule | None
        view_args: dict[str, Any]

        @property
        def args(self) -> MultiDict:
            """The query, decoded."""

        @property
        def data(self) -> bytes:
            """The body."""

        @property
        def is_json(self) -> bool:
            """Does the body say that it is JSON?"""

        def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
            """The body read as JSON."""

    # Where it went -----------------------------------------------------------------------------

    @lazy
    def scheme(self) -> str:
        """How the caller reached the gateway: "https" or "http"."""
        return self._ingress.scheme(self.event)

    @property
    def is_secure(self) -> bool:
        """Did the caller use HTTPS?"""
        return self.scheme == "https"

    @lazy
    def host(self) -> str:
        """The host that the caller asked for, with the port if it is not the scheme's own.

        Empty where the caller wrote what no host can be called.
        """
        from .urls import usual_host

        return usual_host(self._ingress.host(self.event), self.scheme)

    @property
    def query_string(self) -> bytes:
        """The query as it stands in the URL; encoded anew where the gateway gives it decoded only."""
        return self._query.encode()

    @lazy
    def _query(self) -> str:
        return self._ingress.query_string(self.event)

    @property
    def full_path(self) -> str:
        """The path and the query; the `?` is there without a query too, as in Werkzeug."""
        return f"{self.path}?{self._query}"

    @lazy
    def url(self) -> str:
        """All of the URL, written as browsers show it (an IRI)."""
        from .urls import write_url

        return write_url(self.scheme, self.host, self.root_path, self.path, self._query)

    @lazy
    def base_url(self) -> str:
        """The URL without the query."""
        from .urls import write_url

        return write_url(self.scheme, self.host, self.root_path, self.path)

    @lazy
    def root_url(self) -> str:
        """The URL of the app: with the root path, and a slash at its end."""
        from .urls import write_url

        return write_url(self.scheme, self.host, self.root_path)

    @property
    def url_root(self) -> str:
        """The same as `root_url`."""
        return self.root_url

    @lazy
    def host_url(self) -> str:
        """The URL of the host: scheme and host alone."""
        from .urls import write_url

        return write_url(self.scheme, self.host)

    @property
    def script_root(self) -> str:
        """The same as `root_path`."""
        return self.root_path

    # Whence it came ----------------------------------------------------------------------------

    @property
    def remote_addr(self) -> str | None:
        """The client's address as the gateway saw it; never what X-Forwarded-For claims."""
        return self._ingress.client_address(self.event)

    @property
    def remote_user(self) -> None:
        """None: no gateway logs users in by HTTP. `authorization` has what the caller offers."""
        return

    # The view ----------------------------------------------------------------------------------

    @property
    def endpoint(self) -> str | None:
        """The name of the view; None where the request was not routed."""
        return None if self.url_rule is None else self.url_rule.endpoint

    @property
    def blueprint(self) -> str | None:
        """The name under which the view's blueprint is registered, with those that it is nested in."""
        return (self.endpoint or "").rpartition(".")[0] or None

    @property
    def blueprints(self) -> list[str]:
        """`blueprint` and those around it, the innermost first."""
        names = [self.blueprint] if self.blueprint else []
        while names and "." in names[-1]:
            names.append(names[-1].rpartition(".")[0])
        return names

    # The body ----------------------------------------------------------------------------------

    if TYPE_CHECKING:

        @overload
        def get_data(self, cache: bool = ..., as_text: Literal[False] = ...) -> bytes: ...
        @overload
        def get_data(self, cache: bool = ..., *, as_text: Literal[True]) -> str: ...
        @overload
        def get_data(self, cache: bool = ..., as_text: bool = ...) -> bytes | str: ...

    def get_data(self, cache: bool = True, as_text: bool = False) -> bytes | str:
        """The body; with `as_text=True` as text, in which what is not in its charset is U+FFFD.

        `cache=False` does not keep the bytes that it decodes.
        """
        body = self.data if cache or "data" in self.__dict__ else self._limited_body()
        return body.decode(self.charset, "replace") if as_text else body

    def _limited_body(self) -> bytes:
        """The body, if it is within the limit; one that says that it is not is not read at all."""
        limit = self.max_content_length
        if limit is None:
            return self._ingress.body(self.event)
        if not isinstance(limit, int):
            raise TypeError(f"MAX_CONTENT_LENGTH is {limit!r}, not an int or None.")
        _check_length(self.content_length or 0, limit)
        body = self._ingress.body(self.event)
        _check_length(len(body), limit)
        return body

    @lazy
    def stream(self) -> IO[bytes]:
        """The body as a binary file, which can be read once and sought in."""
        from io import BytesIO

        return BytesIO(self.data)

    @lazy
    def form(self) -> MultiDict:
        """The fields of a form; empty for a body of another type.

        Raises `BadRequest` for a form that cannot be read, and `ContentTooLarge` over a limit.
        """
        self._read_form()
        form: MultiDict = self.__dict__["form"]
        return form

    @lazy
    def files(self) -> MultiDict[FileStorage]:
        """The files of a multipart form; they are closed when the request is answered."""
        self._read_form()
        files: MultiDict[FileStorage] = self.__dict__["files"]
        return files

    def _read_form(self: Any) -> None:
        from .forms import read_form

        self.__dict__["form"], self.__dict__["files"] = read_form(self)

    @lazy
    def values(self) -> MultiDict:
        """`args` and then `form`; `args` alone for GET."""
        from .multidict import MultiDict

        form = () if self.method == "GET" else self.form.items(multi=True)
        return MultiDict((*self.args.items(multi=True), *form))

    def close(self) -> None:
        """Close the uploaded files, and with them their temporary files."""
        opened, self._to_close = self._to_close, None
        for one in opened or ():
            one.close()

    # Limits ------------------------------------------------------------------------------------

    @property
    def max_content_length(self) -> int | None:
        """The most bytes of a body that are read: MAX_CONTENT_LENGTH of the app, None for any number."""
        return self._limit("max_content_length", None)

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        self.__dict__["max_content_length"] = value

    @property
    def max_form_memory_size(self) -> int | None:
        """The most bytes of a field of a multipart form: MAX_FORM_MEMORY_SIZE of the app, 500,000."""
        return self._limit("max_form_memory_size", 500_000)

    @max_form_memory_size.setter
    def max_form_memory_size(self, value: int | None) -> None:
        self.__dict__["max_form_memory_size"] = value

    @property
    def max_form_parts(self) -> int | None:
        """The most parts of a multipart form: MAX_FORM_PARTS of the app, 1,000."""
        return self._limit("max_form_parts", 1_000)

    @max_form_parts.setter
    def max_form_parts(self, value: int | None) -> None:
        self.__dict__["max_form_parts"] = value

    def _limit(self, name: str, default: int | None) -> int | None:
        own: int | None = self.__dict__.get(name)
        return self.config.get(name.upper(), default) if own is None else own

    # Chalice's names ---------------------------------------------------------------------------

    @property
    def json_body(self) -> Any:
        """Chalice's `json`: None where the body does not say that it is JSON."""
        return self.get_json() if self.is_json else None

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

    @lazy
    def authorizer(self) -> AuthorizerResult | None:
        """What the gateway's authorizer has said of the caller; None where none was asked."""
        from .authorizer_result import authorizer_result

        return authorizer_result(self.event)

    @property
    def stage_variables(self) -> dict[str, str] | None:
        """The stage variables of the API; None where it has none."""
        variables: dict[str, str] | None = self.event.get("stageVariables")
        return variables

    @property
    def stage_vars(self) -> dict[str, str] | None:
        """Chalice's `stage_variables`."""
        return self.stage_variables

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


def _check_length(length: int, limit: int) -> None:
    if length > limit:
        raise ContentTooLarge(f"the body has {length} bytes, over {limit} (MAX_CONTENT_LENGTH).")
