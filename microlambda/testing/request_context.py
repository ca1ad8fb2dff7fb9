"""`app.test_request_context()`: a request that is current in a `with` block and is not answered."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from microlambda.runtime.dispatch.lifecycle import route
from microlambda.runtime.dispatch.scope import open_request
from microlambda.runtime.ingress import infer
from microlambda.testing.client import TestClient
from microlambda.testing.gatekeeper import Gatekeeper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda import App, Request


class _Catcher:
    """Stands in for the app, and keeps the event that the gateway makes of the request."""

    def __init__(self, app: App) -> None:
        self.name = app.name
        self.route_table = app.route_table
        self.handlers = app.handlers
        self.cors = app.cors
        self.event: Any = None
        self.context: Any = None

    def __call__(self, event: Any, context: Any) -> dict[str, int]:
        self.event, self.context = event, context
        return {"statusCode": 204}


@contextmanager
def request_context(app: App, path: str = "/", *args: Any, **options: Any) -> Iterator[Request]:
    """Make the request that the test client would send the current one, matched to its route.

    No authorizer is asked. The view and the hooks before it do not run; the teardown hooks do when the block
    is left. Options are those of `TestClient.open`, `ingress` among them.
    """
    catcher: Any = _Catcher(app)
    client = TestClient(catcher, use_cookies=False)
    client.gatekeeper = Gatekeeper(catcher, keys=None, raise_errors=True, admits_all=True)
    client.open(path, *args, **options)
    adapter = infer(catcher.event)
    if adapter is None:
        raise ValueError(f"the gateway answers {path!r} by itself: no request reaches the app.")
    request = adapter.to_request(catcher.event, catcher.context)
    with open_request(app, request, catcher.context):
        route(app, request)
        yield request
