"""One application twice: behind a plain server, and mounted in an App behind a gateway."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from werkzeug.serving import WSGIRequestHandler, make_server

from microlambda import App
from tests.testing.generated import BY_NAME

#: Of the connection and of the moment, and what a gateway writes anew.
NOT_THE_APPLICATIONS = {"date", "server", "connection", "content-length", "transfer-encoding"}
REMAPPED = "x-amzn-remapped-"
GATEWAYS = ("apigw-", "x-amz-", "x-amzn-")

Answered = tuple[int, list[tuple[str, str]], bytes]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None: ...


@contextmanager
def served_by_werkzeug(application: Any) -> Iterator[int]:
    """Serve a WSGI application; gives the port."""
    made = make_server("localhost", 0, application, request_handler=_Quiet)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    try:
        yield made.server_port
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


@contextmanager
def served_by_uvicorn(application: Any, root_path: str = "", ws: Any = "none") -> Iterator[int]:
    """Serve an ASGI application in a thread; gives the port. `ws` is what speaks with WebSockets."""
    config = uvicorn.Config(
        application, host="127.0.0.1", port=0, root_path=root_path, http="h11", ws=ws, log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def plainly(port: int, method: str, target: str, headers: dict[str, str], body: bytes | None) -> Answered:
    """Ask a plain server."""
    connection = http.client.HTTPConnection("localhost", port, timeout=30)
    try:
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        return answer.status, fields(answer.getheaders()), answer.read()
    finally:
        connection.close()


def through(
    app: App, ingress: str, method: str, target: str, headers: dict[str, str], body: bytes | None
) -> Answered:
    """Ask an App through a gateway."""
    client = app.test_client(ingress=ingress, use_cookies=False, raise_errors=False)
    answer = client.open(target, method=method, headers=headers, data=body)
    given, data = list(answer.headers), answer.data
    if ingress == "vpc-lattice":  # which does not say how it was asked: it is taken for https
        given = [(name, text.replace("https:", "http:")) for name, text in given]
        data = data.replace(b"https:", b"http:")
    return answer.status_code, fields(given), data


def as_far_as_told(ingress: str) -> Callable[[Answered], Answered]:
    """Give what is compared behind a gateway that may not tell how the query was written."""
    return without_the_query if ingress in BY_NAME else lambda answer: answer


def without_the_query(answer: Answered) -> Answered:
    """Take away what a redirect says of the query, in a field and in a link."""
    status, headers, body = answer
    if not 300 <= status < 400:
        return answer
    kept = [(name, text.partition("?")[0] if name == "location" else text) for name, text in headers]
    return status, kept, re.sub(rb"\?[^\"<]*", b"", body)


def fields(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Give what the application said; spaces around a value are none of it.

    A REST API renames fields that it has itself.
    """
    named = [(name.lower().removeprefix(REMAPPED), text.strip()) for name, text in headers]
    return sorted(
        (name, text)
        for name, text in named
        if name not in NOT_THE_APPLICATIONS and not name.startswith(GATEWAYS)
    )
