"""The span of one request: how it ends, and how a test holds one open."""

from __future__ import annotations

from contextlib import contextmanager

from ..context import CURRENT, RequestContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..app import App
    from ..http.request import Request


@contextmanager
def open_request(app: App, request: Request, lambda_context: Any = None) -> Iterator[RequestContext]:
    """Make the request the current one; when it is left, the teardown hooks run and files are closed."""
    request.config = app.config
    scope = RequestContext(app, request, lambda_context)
    token = CURRENT.set(scope)
    try:
        yield scope
    except BaseException as exc:
        scope.error = exc
        raise
    finally:
        try:
            end_request(scope)
        finally:
            CURRENT.reset(token)


def end_request(scope: RequestContext) -> None:
    """Run the teardown hooks and close what the request opened; a stream that goes on does it later."""
    if scope.is_streaming:
        return
    if scope.app.lifecycle is not None:
        scope.app.lifecycle.tear_down(scope)
    if scope.request is not None and scope.request._to_close is not None:
        scope.request.close()
