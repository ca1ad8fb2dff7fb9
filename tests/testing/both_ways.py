"""A request of an application, answered in both ways: by a plain server, and behind a gateway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from microlambda import App
from tests.testing.plain_servers import Answered, plainly, through

#: Gateways make up the type of an answer without one, JSON even: so the App gives it the one that says least.
NO_TYPE = ("content-type", "application/octet-stream")


class BothWays:
    """An application behind a plain server on a port, and at a prefix in an App.

    The server has the prefix, if any, as its root: it is asked without.
    """

    def __init__(self, application: Any, port: int, prefix: str = "") -> None:
        self.application = application
        self.port = port
        self.prefix = prefix
        self.app = App("theirs")
        self.app.compress_above = None
        self.app.mount(prefix or "/", application)

    def agree(
        self,
        ingress: str,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes | None = None,
        *,
        compared: Callable[[Answered], Any],
    ) -> Answered:
        """Ask both, and compare what `compared` makes of their answers; gives the plain one.

        Every gateway but VPC Lattice says that it was asked by http; so it is said to the plain server.
        """
        scheme = {} if ingress == "vpc-lattice" else {"X-Forwarded-Proto": "http"}
        plain = plainly(self.port, method, target, {**headers, **scheme}, body)
        ours = through(self.app, ingress, method, f"{self.prefix}{target}", headers, body)
        if all(name != "content-type" for name, _ in plain[1]):
            ours = ours[0], [one for one in ours[1] if one != NO_TYPE], ours[2]
        one, other = compared(ours), compared(plain)
        assert one == other, f"{method} {target} {headers}: {one} is not {other}"
        return plain
