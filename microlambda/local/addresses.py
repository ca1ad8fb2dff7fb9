"""Where `microlambda local` answers by itself, and how its processes find each other."""

from __future__ import annotations

PREFIX = "/_microlambda/"
TOKEN = "X-Microlambda-Token"  # noqa: S105 - the name of a field

#: The variable that leads the app's process to its parent: a URL and a token.
PARENT = "MICROLAMBDA_PARENT"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches the host."""
    import ipaddress  # the app's process is led here, too, and has no use for it

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
