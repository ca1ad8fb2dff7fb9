"""`/_microlambda/`: functions called, and schedules fired, by hand while `microlambda local` runs.

For programs of this machine that know the token, which is new at each start. It is no part of the app, and
nothing of it is on AWS.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from microlambda.emulator.callers import refusal
from microlambda.emulator.invocation import MAX_PAYLOAD
from microlambda.emulator.messages import BodyTooLarge, HttpRequest
from microlambda.local.addresses import PREFIX, TOKEN
from microlambda.local.errors import UnknownFunction
from microlambda.local.websocket_api import ConnectionGone
from microlambda.project.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from microlambda.local.called import Called
    from microlambda.local.websocket_api import WebSocketApi

_ACTION = re.compile(rf"{PREFIX}(?P<action>invoke|fire|connections)/(?P<name>[^/]+)")
_LOOPBACK = ("127.0.0.1", "::1")


class Refused(Exception):
    """Answered with a status and a sentence."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Control:
    """Answers below `PREFIX`, as a WSGI application.

    `invoke` calls a function with an event, `fire` fires the rules and schedules of a handler and gives their
    ARNs; both raise a ToolError where they cannot. `connections` are the clients of WebSockets, which the
    app's own process reaches through here.
    """

    def __init__(
        self,
        invoke: Callable[[str, bytes], Called],
        fire: Callable[[str], list[str]],
        connections: WebSocketApi,
    ) -> None:
        self.token = secrets.token_urlsafe(18)
        self._invoke = invoke
        self._fire = fire
        self._connections = connections

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request with JSON."""
        try:
            status, document = HTTPStatus.OK, self._answer(environ)
        except Refused as refused:
            status, document = refused.status, {"detail": str(refused)}
        except ConnectionGone as gone:
            status, document = HTTPStatus.GONE, {"detail": f"{gone} is no open connection."}
        except UnknownFunction as unknown:
            status, document = HTTPStatus.NOT_FOUND, {"detail": str(unknown)}
        except ToolError as error:
            detail = f"{type(error).__name__}: {error}"
            status, document = HTTPStatus.INTERNAL_SERVER_ERROR, {"detail": detail}
        body = f"{json.dumps(document)}\n".encode()
        fields = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", fields)
        return [body]

    def _answer(self, environ: dict[str, Any]) -> dict[str, Any]:
        self._check(environ)
        found = _ACTION.fullmatch(environ["PATH_INFO"])
        if found is None:
            raise Refused(HTTPStatus.NOT_FOUND, f"there are {PREFIX}invoke/NAME and {PREFIX}fire/NAME.")
        if found["action"] == "connections":
            return self._connection(found["name"], environ)
        if environ["REQUEST_METHOD"] != "POST":
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "only POST calls something.")
        if found["action"] == "fire":
            return {"fired": self._fired(found["name"])}
        return self._invoke(found["name"], _event(environ)).as_data()

    def _connection(self, connection_id: str, environ: dict[str, Any]) -> dict[str, Any]:
        """Send to a client, end its connection, or tell of it, as API Gateway's `@connections` do."""
        method = environ["REQUEST_METHOD"]
        if method == "GET":
            return self._connections.get(connection_id)
        if method == "POST":
            self._connections.post(connection_id, _body(environ))
        elif method == "DELETE":
            self._connections.delete(connection_id)
        else:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "there are GET, POST and DELETE.")
        return {}

    def _check(self, environ: dict[str, Any]) -> None:
        if environ.get("REMOTE_ADDR") not in _LOOPBACK:
            raise Refused(HTTPStatus.FORBIDDEN, f"{PREFIX} answers callers of this machine alone.")
        if reason := refusal(environ, PREFIX):
            raise Refused(HTTPStatus.FORBIDDEN, f"{reason}.")
        given = environ.get("HTTP_X_MICROLAMBDA_TOKEN", "")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            detail = f"{PREFIX} asks for the token that was printed at the start, as {TOKEN}."
            raise Refused(HTTPStatus.UNAUTHORIZED, detail)

    def _fired(self, name: str) -> list[str]:
        if arns := self._fire(name):
            return arns
        raise Refused(HTTPStatus.NOT_FOUND, f"{name!r} has no schedule that is deployed here.")


def _body(environ: dict[str, Any]) -> bytes:
    try:
        return HttpRequest.from_environ(environ, max_body=MAX_PAYLOAD).body
    except BodyTooLarge as exc:
        detail = f"an event has at most {MAX_PAYLOAD} bytes."
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail) from exc


def _event(environ: dict[str, Any]) -> bytes:
    body = _body(environ) or b"{}"
    try:
        json.loads(body)
    except ValueError as exc:
        raise Refused(HTTPStatus.BAD_REQUEST, f"the event is no JSON: {exc}.") from exc
    return body
