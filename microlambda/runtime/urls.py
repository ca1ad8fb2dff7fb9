"""`url_for`: the URL of a view, by its endpoint, with the stage or base path in front."""

from __future__ import annotations

from .context import CURRENT, current_context
from .errors import OutsideRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .app import App
    from .http.request import Request


def url_for(
    endpoint: str,
    *,
    _app: App | None = None,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: Any,
) -> str:
    """The URL of the view registered as `endpoint`, as Flask's.

    `values` fill the rule's captures; others become the query, lists as repeated keys, None left out. A
    leading "." means the blueprint of the request being answered. Inside a request the URL starts with
    `root_path`; `_external` puts scheme and host before it. BuildError where no rule fits.
    """
    app = _app if _app is not None else current_context("url_for").app
    scope = CURRENT.get(None)
    request = scope.request if scope is not None and scope.app is app else None
    is_external = _scheme is not None if _external is None else _external
    if _scheme is not None and not is_external:
        raise ValueError("url_for(_scheme=...) writes an external URL: leave _external out or make it True.")
    current = "GET" if request is None else request.method  # Flask prefers the rule of the same method
    url = app.route_table.url_for(
        _absolute(endpoint, request), values, method=_method, default_method=current
    )
    if request is not None and request.root_path:
        from .percent import PATH, quote

        # One slash in front: '//host/' would be another site.
        url = "/" + (quote(request.root_path, PATH) + url).lstrip("/")
    if is_external:
        url = f"{_origin(request, _scheme)}{url}"
    if _anchor is not None:
        from .percent import FRAGMENT, quote

        url = f"{url}#{quote(_anchor, FRAGMENT)}"
    return url


def _absolute(endpoint: str, request: Request | None) -> str:
    if not endpoint.startswith("."):
        return endpoint
    names = request.url_rule.blueprints if request is not None and request.url_rule is not None else ()
    return f"{names[0]}{endpoint}" if names else endpoint[1:]


def _origin(request: Request | None, scheme: str | None) -> str:
    if request is None:
        raise OutsideRequest(
            "url_for(_external=True) needs the host of a request, and none is being answered here. "
            "Take the path, and write scheme and host before it."
        )
    scheme = request.scheme if scheme is None else scheme
    return f"{scheme}://{request.host}" if scheme else f"//{request.host}"
