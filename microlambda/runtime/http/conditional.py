"""Answers that depend on what the caller has already (RFC 9110, 13)."""

from __future__ import annotations

from .dates import parse_date
from .etags import parse_etags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .request import Request
    from .response import Response

#: What a 304 does not repeat, as Werkzeug: all that describes the body but Expires and Content-Location.
_OF_THE_BODY = frozenset(
    {
        "allow",
        "content-encoding",
        "content-language",
        "content-length",
        "content-md5",
        "content-range",
        "content-type",
        "last-modified",
    }
)


def apply_conditions(response: Response, request: Request) -> None:
    """Turn a successful answer to GET or HEAD into 304 or 412 where the caller's conditions ask for it."""
    if request.method not in ("GET", "HEAD") or not 200 <= response.status_code < 300:
        return
    if not _may_go_on(response, request):
        response.set_data(b"")
        response.status_code = 412
    elif _is_known(response, request):
        response.set_data(b"")
        response.status_code = 304
        for name in _OF_THE_BODY:
            response.headers.remove(name)


def _may_go_on(response: Response, request: Request) -> bool:
    """If-Match, else If-Unmodified-Since (13.2.2, steps 1 and 2)."""
    condition = _joined(request, "if-match")
    if condition is not None:
        etag, weak = response.get_etag()
        tags = parse_etags(condition)
        return tags.star_tag or (etag is not None and not weak and tags.is_strong(etag)) or not tags
    since = parse_date(request.headers.get("if-unmodified-since"))
    changed = response.last_modified
    return since is None or changed is None or changed <= since


def _is_known(response: Response, request: Request) -> bool:
    """If-None-Match, else If-Modified-Since (13.2.2, steps 3 and 4)."""
    condition = _joined(request, "if-none-match")
    if condition is not None:
        etag, _ = response.get_etag()
        tags = parse_etags(condition)
        return tags.star_tag or (etag is not None and tags.contains_weak(etag))
    since = parse_date(request.headers.get("if-modified-since"))
    changed = response.last_modified
    return since is not None and changed is not None and changed <= since


def _joined(request: Request, name: str) -> str | None:
    """All fields of that name as one list; None where there is none, or it is empty."""
    return ", ".join(request.headers.getlist(name)).strip() or None
