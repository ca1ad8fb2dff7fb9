"""What a simulated service sends by itself reaches this machine and no other.

moto delivers for real: an SNS subscription to https://, EventBridge's API destinations, Firehose's HTTP
endpoints, API Gateway's HTTP and AWS integrations, a `$ref` in an OpenAPI document, Docker for Batch. From a
service that is only played, none of that may reach a real receiver. All of it goes through requests, or at
least through name resolution; there it is stopped, for moto's own calls alone.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import urlsplit

from microlambda.emulator.cloud.moto_lock import stepped_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    Say = Callable[[str], None]

#: Seconds that a receiver has, as SNS gives it.
#: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
PATIENCE = 15.0


@contextmanager
def kept_on_this_machine(package: str, say: Say) -> Iterator[None]:
    """Let nothing that the services in `package` send leave this machine; `say` names each receiver once.

    In place of a receiver, 502 answers: AWS delivers after the caller has its answer, and so no call may fail
    for it. Everybody else in this process reaches whom they like.
    """
    import requests

    told: set[str] = set()
    send, resolve = requests.Session.send, socket.getaddrinfo

    def sent(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
        if not _asks(package):
            return send(session, request, **options)
        if _is_loopback_url(request.url) and not _is_docker(session):
            try:
                with stepped_aside():  # who is called may ask for something before the answer
                    # No proxy: it could be another machine. Redirects come here again.
                    local: Any = {"proxies": {}, "timeout": options.get("timeout") or PATIENCE}
                    return send(session, request, **{**options, **local})
            except (requests.ConnectionError, requests.Timeout) as exc:
                say(f"not sent: {request.method} to {_receiver(session, request)}: {exc}")
                return _nobody_there(request)
        receiver = _receiver(session, request)
        if receiver not in told:
            told.add(receiver)
            say(f"not sent: {request.method} to {receiver}; the embedded cloud delivers on this machine only")
        return _nobody_there(request)

    def resolved(host: Any, *args: Any, **named: Any) -> Any:
        if _asks(package) and not _is_loopback(host):
            raise socket.gaierror(socket.EAI_NONAME, f"the embedded cloud looks for nobody outside: {host}")
        return resolve(host, *args, **named)

    with ExitStack() as patches:
        patches.enter_context(patch.object(requests.Session, "send", sent))
        patches.enter_context(patch.object(socket, "getaddrinfo", resolved))
        yield


def _asks(package: str) -> bool:
    """Whether one of the package's services is on this thread's stack.

    Not its core: a test that moto's `mock_aws` decorates has that on its stack.
    """
    core = (f"{package}.core.", f"{package}.moto_server.")
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith(f"{package}.") and not name.startswith(core):
            return True
        frame = frame.f_back
    return False


def _is_docker(session: object) -> bool:
    """Whether a request is to a Docker engine, which fetches images: absent here, as on most machines."""
    return type(session).__module__.partition(".")[0] == "docker"


def _is_loopback_url(url: str | None) -> bool:
    parts = urlsplit(url or "")
    return parts.scheme in ("http", "https") and _is_loopback(parts.hostname)


def _is_loopback(host: str | bytes | None) -> bool:
    # A name is asked of the network, but for this one; without a name, it is this machine.
    text = host.decode("ascii", errors="replace") if isinstance(host, bytes) else host or "localhost"
    if text.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _receiver(session: object, request: Any) -> str:
    """A receiver without path and query, which are secrets in the addresses of many."""
    if _is_docker(session):
        return "Docker"
    parts = urlsplit(request.url or "")
    return f"{parts.scheme}://{parts.hostname}"


def _nobody_there(request: Any) -> Any:
    import requests

    response = requests.Response()
    response.status_code = 502
    response.reason = "Not Emulated"
    response.url = request.url
    response.request = request
    response._content = b""
    return response
