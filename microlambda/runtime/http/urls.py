"""The URL of a request, written for people as browsers show it: an IRI (RFC 3987)."""

from __future__ import annotations

import re

_HOST = re.compile(
    r"([a-z0-9.-]+|\[[a-f0-9]*:[a-f0-9.:]+\])(?::([1-9][0-9]{0,4}))?", re.ASCII | re.IGNORECASE
)
_UNSAFE = "".join(map(chr, range(33))) + "%\x7f"  # these say something else when they are not encoded
_UNSAFE_IN_PATH = frozenset(_UNSAFE + "?#")
_KEPT_IN_QUERY = re.compile(
    "((?:%(?:{}))+)".format("|".join(f"{ord(one):02X}" for one in f"{_UNSAFE}&=+#")), re.IGNORECASE
)
_PORTS = {"http": ":80", "https": ":443"}


def usual_host(host: str, scheme: str) -> str:
    """The host without the scheme's own port; empty where it is none that could be asked for."""
    host = host.removesuffix(_PORTS.get(scheme, "?"))
    found = _HOST.fullmatch(host)
    return host if found and int(found[2] or 1) <= 65535 else ""


def write_url(scheme: str, host: str, root_path: str = "", path: str = "", query: str = "") -> str:
    """The URL; `root_path` and `path` are decoded, `query` is as the caller sent it."""
    root = root_path.rstrip("/")
    if root and not root.startswith("/"):
        root = f"/{root}"
    url = f"{scheme}://{host.lower()}{_shown_path(root)}/{_shown_path(path.lstrip('/'))}"
    return f"{url}?{_shown_query(query)}" if query else url


def _shown_path(path: str) -> str:
    if _UNSAFE_IN_PATH.isdisjoint(path):
        return path
    return "".join(f"%{ord(one):02X}" if one in _UNSAFE_IN_PATH else one for one in path)


def _shown_query(query: str) -> str:
    """Decoded as far as that changes no meaning: separators and what is no UTF-8 stay encoded."""
    encoded = "".join(f"%{ord(one):02X}" if one <= " " or one in "#\x7f" else one for one in query)
    return "".join(
        part if number % 2 else _decoded(part) for number, part in enumerate(_KEPT_IN_QUERY.split(encoded))
    )


def _decoded(part: str) -> str:
    from ..percent import unquote_bytes

    text = unquote_bytes(part.encode("utf-8", "replace")).decode("utf-8", "surrogateescape")
    return "".join(f"%{ord(one) - 0xDC00:02X}" if "\udc80" <= one <= "\udcff" else one for one in text)
