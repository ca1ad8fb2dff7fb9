"""The view that stands for a mounted application, whatever it speaks."""

from __future__ import annotations

import re

from ..context import CURRENT, STREAMING
from ..routing.rule import Rule
from .head import response_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..http.request import Request
    from ..http.response import Response
    from ..ingress.base import Ingress
    from .head import Answered

PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~-]*").fullmatch

#: Those of a scheme, by default.
PORTS = {"http": "80", "https": "443"}

_KEPT = 256


def remembered(known: dict[str, Any], name: str, make: Callable[[str], Any]) -> Any:
    """What `make` makes of a header field's name, or of a host: `known` keeps what callers do not make up."""
    made = known.get(name)
    if made is None:
        made = make(name)
        if len(known) < _KEPT:
            known[name] = made
    return made


class Mount:
    """An application below a path; `prefix` is empty for one at the root. `interface` is what it speaks."""

    interface = ""

    def __init__(self, prefix: str, application: Any) -> None:
        self.prefix = prefix
        self.application = application
        self.__module__ = module_of(application)

    if TYPE_CHECKING:

        def answered(
            self,
            ingress: Ingress,
            event: dict[str, Any],
            context: Any,
            place: tuple[str, str, str],
            body: bytes,
        ) -> Answered:
            """What the application answers to an event; `place` is what the ingress makes of its path.

            Raises what the application raises, and EncodingError for an answer that is none.
            """

    def __call__(self, **_: Any) -> Response:
        """The application's answer to the request that is being answered."""
        request: Any = CURRENT.get().request
        place = (request.method, request.path, request.root_path)
        ingress, context = request._ingress, request.lambda_context
        answered = self.answered(ingress, request.event, context, place, request.data)
        keep_body(request, answered.body)
        return response_of(answered)

    def __repr__(self) -> str:
        return f"<Mount of {self.application!r} at {self.prefix or '/'!r}>"


class MountRule(Rule):
    """The rule of a mounted application. What it captures is read when `url_for` asks for it."""

    __slots__ = ()

    def __init__(self, mount: Mount, endpoint: str) -> None:
        super().__init__(mount.prefix or "/", mount, methods=_METHODS, endpoint=endpoint)
        self.rule = f"{mount.prefix}/<path:path>"
        del self.parts, self.names, self.converters, self.is_plain

    def __getattr__(self, name: str) -> Any:
        if name not in _READ:
            raise AttributeError(name)
        read = Rule(self.rule, self.view)
        for one in _READ:
            setattr(self, one, getattr(read, one))
        return getattr(self, name)


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_READ = ("parts", "names", "converters", "is_plain")


def module_of(application: Any) -> str:
    """Where it is written: a function's own module, or that of its class."""
    module = getattr(application, "__module__", None)
    return module if type(module) is str else type(application).__module__


def keep_body(request: Request, body: Any) -> None:
    """Have a body in pieces closed with the request: whoever answers in its place does not read it."""
    if type(body) is not bytes:
        request._to_close = [*(request._to_close or ()), body]


def takes_pieces(ingress: Ingress) -> bool:
    """Does the caller of the app take an answer in pieces?"""
    return ingress.streams and STREAMING.get()


def put_fields(event: dict[str, Any], names: dict[str, Any], into: dict[Any, Any]) -> bool:
    """Put the values of header fields under what `names` has for their names.

    False where that is not all to be done: a name is new, two have the same, a value is not ASCII, or they
    come in another shape. `Ingress.headers` has them all then.
    """
    fields, others = event.get("multiValueHeaders"), len(into)
    try:
        if fields:
            for name, (value,) in fields.items():
                if not value.isascii():
                    return False
                into[names[name]] = value
        else:
            fields = event["headers"]
            for name, value in fields.items():
                if not value.isascii():
                    return False
                into[names[name]] = value
            if event.get("cookies"):
                others += "cookie" not in fields
                cookies = into[names["cookie"]] = "; ".join(event["cookies"])
                return cookies.isascii() and len(into) == others + len(fields)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return len(into) == others + len(fields)


def scheme_of(ingress: Ingress, event: dict[str, Any], forwarded: str) -> str:
    """How the caller reached the gateway; `forwarded` is X-Forwarded-Proto, empty without one."""
    if not ingress.forwards_scheme:
        return ingress.scheme(event)
    return "http" if forwarded.endswith("http") else "https"


def host_and_port(host: str, scheme: str) -> tuple[str, str]:
    """The two parts of a host, whose port is that of the scheme where it has none."""
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        return name, port
    return host, PORTS[scheme]


def bytes_as_text(text: str) -> str:
    """Text as WSGI has it: its UTF-8, a character for each byte."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def is_raw(ingress: Ingress, event: dict[str, Any], whole: str) -> bool:
    """Is the decoded path, with the `root_path` in front, what the caller sent, and ASCII?"""
    given = event.get("path") or event.get("rawPath") or ""
    return "%" not in given and bool(whole.isascii() if ingress.keeps_escapes else PLAIN_PATH(whole))


def raw_path(event: dict[str, Any], root_path: str, whole: str) -> str:
    """The path as the caller sent it, where `is_raw` does not tell; encoded anew if the gateway decodes it.

    `whole` is the decoded one, with the `root_path` in front.
    """
    given = event.get("rawPath") or event.get("path") or ""
    from ..percent import PATH, quote, unquote

    given = given.partition("?")[0]  # VPC Lattice has the query there
    for raw in (given, quote(root_path, "/") + given):
        # An HTTP API decodes the path: a space in it, or a % that stands for itself, was never sent.
        is_encoded = quote(raw, f"%{PATH}") == raw and ("%" not in raw or raw != whole)
        if is_encoded and unquote(raw) == whole:
            return raw
    return quote(whole, PATH)
