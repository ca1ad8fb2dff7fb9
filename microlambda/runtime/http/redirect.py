"""An answer that sends the caller to another place."""

from __future__ import annotations

from .location import safe_location
from .response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PAGE = """<!doctype html>
<html lang="en">
<title>Redirecting</title>
<p>This page is at <a href="{0}">{0}</a>.</p>
"""
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}


def redirect(
    location: str,
    code: int = 302,
    Response: Callable[..., Response] = Response,  # noqa: N803  # Flask's name
) -> Response:
    """A redirect to `location`, a path or a URL.

    302 and 303 make the caller ask with GET; 307 and 308 repeat the method and the body; 301 and 308
    are remembered. A path never leaves the site: `//evil.example` is taken as `/evil.example`. A URL goes out
    with the scheme that it has: look at one that a caller gave.
    """
    target = safe_location(location)
    shown = "".join([_ESCAPES.get(one, one) for one in target])
    return Response(_PAGE.format(shown), status_code=code, headers={"Location": target}, mimetype="text/html")
