"""CORS: which pages of other origins may read the answers (the Fetch standard, "HTTP-CORS protocol").

https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from ..errors import EncodingError, RegistrationError
from .header_methods import checked_field
from .vary import add_vary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from re import Pattern

    from .headers import Headers

_PREFLIGHT_VARY = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")


class CORS:
    """A policy for `app.cors`, `Blueprint(cors=)` or a route's `cors=`.

    `origins` is "*", an origin (`https://shop.example`; `https://*.shop.example` for its subdomains at any
    depth), a compiled pattern that a whole origin must match, or a list of these. `methods` and
    `headers` are what preflights allow: by default what the path takes and what was asked for. `expose` are
    the answer's headers that pages may read, `max_age` the seconds for which a preflight is remembered.
    `credentials` lets cookies and Authorization through; it needs origins by name, because "*" would hand
    every site the answers meant for the user (RegistrationError).
    """

    __slots__ = ("_matchers", "allows_any", "credentials", "expose", "headers", "max_age", "methods")

    def __init__(
        self,
        origins: str | Pattern[str] | Iterable[str | Pattern[str]] = "*",
        methods: Iterable[str] | None = None,
        headers: Iterable[str] | None = None,
        expose: Iterable[str] = (),
        credentials: bool = False,
        max_age: int | None = None,
    ) -> None:
        is_one = isinstance(origins, str) or not hasattr(origins, "__iter__")
        listed: list[str | Pattern[str]] = [origins] if is_one else list(origins)  # type: ignore[list-item, arg-type]
        if not listed:
            raise RegistrationError("CORS(origins=[]) lets nobody in. Leave CORS out instead.")
        self.allows_any = "*" in listed
        if self.allows_any and credentials:
            raise RegistrationError(
                'CORS(credentials=True) cannot go with origins="*": every site could read the answers meant '
                'for the user. List the origins: CORS(origins=["https://shop.example"], credentials=True).'
            )
        self._matchers = [_matcher(origin) for origin in listed if origin != "*"]
        self.methods = None if methods is None else _listed("methods", methods, upper=True)
        self.headers = None if headers is None else _listed("headers", headers)
        self.expose = _listed("expose", expose)
        if type(credentials) is not bool:
            raise RegistrationError(f"CORS(credentials={credentials!r}) is neither True nor False.")
        self.credentials = credentials
        if credentials and self.allows("https://any.invalid"):
            raise RegistrationError(
                "CORS(credentials=True) cannot go with a pattern that every origin matches. Name the origins."
            )
        for keyword, names in (("methods", self.methods), ("headers", self.headers), ("expose", self.expose)):
            if credentials and "*" in (names or ()):
                raise RegistrationError(
                    f'CORS({keyword}=["*"]) cannot go with credentials=True: with credentials the star is a '
                    "name like any other. List the names."
                )
        if max_age is not None and (type(max_age) is not int or max_age < 0):
            raise RegistrationError(f"CORS(max_age={max_age!r}) is no number of seconds.")
        self.max_age = max_age

    def allows(self, origin: str | None) -> bool:
        """May a page of that origin read the answer?"""
        if origin is None or not _is_plain(origin):
            return False
        return self.allows_any or any(matches(origin) for matches in self._matchers)

    def write(self, headers: Headers, origin: str | None) -> None:
        """Put the policy's fields for an answer to `origin` into the headers; a view's own are left alone."""
        if not self.allows_any:
            add_vary(headers, "Origin")
        if (
            origin is None
            or not self.allows(origin)
            or headers.get("Access-Control-Allow-Origin") is not None
        ):
            return
        self._allow(headers, origin)
        if self.expose:
            headers.set("Access-Control-Expose-Headers", ", ".join(self.expose))

    def _allow(self, headers: Headers, origin: str) -> None:
        headers.set("Access-Control-Allow-Origin", "*" if self.allows_any else origin)
        if self.credentials:
            headers.set("Access-Control-Allow-Credentials", "true")

    def write_preflight(
        self, headers: Headers, origin: str, asked_headers: str | None, allowed: Iterable[str]
    ) -> None:
        """Put the answer to a preflight into the headers; `allowed` are the methods that the path takes."""
        add_vary(headers, *_PREFLIGHT_VARY)
        if not self.allows(origin):
            return
        self._allow(headers, origin)
        methods = ", ".join(self.methods or allowed)
        if _is_plain(methods):
            headers.set("Access-Control-Allow-Methods", methods)
        allowed_headers = asked_headers if self.headers is None else ", ".join(self.headers)
        if allowed_headers and _is_plain(allowed_headers):
            headers.set("Access-Control-Allow-Headers", allowed_headers)
        if self.max_age is not None:
            headers.set("Access-Control-Max-Age", self.max_age)

    def __repr__(self) -> str:
        return f"<CORS {'*' if self.allows_any else f'of {len(self._matchers)} origins'}>"


def checked_cors(value: object) -> CORS | None:
    """What `cors=` was given, as a policy: True is `CORS()`, False and None are none."""
    if value is None or value is False:
        return None
    if value is True:
        return CORS()
    if isinstance(value, CORS):
        return value
    raise RegistrationError(f"cors={value!r} is no policy: give True, False or CORS(...).")


def _is_plain(value: str) -> bool:
    """Can what the caller wrote be sent back in a header? Pages ask in printable ASCII alone."""
    return value.isascii() and value.isprintable()


def _matcher(origin: str | Pattern[str]) -> Callable[[str], object]:
    if not isinstance(origin, str):
        if not hasattr(origin, "fullmatch") or not isinstance(origin.pattern, str):
            raise RegistrationError(
                f"CORS(origins=) got {origin!r}: take a str or a compiled pattern of str."
            )
        return origin.fullmatch
    if origin == "null":
        return origin.__eq__
    scheme, host, port = _parts(origin.lower())
    if not host.startswith("*."):
        return f"{scheme}://{host}{port}".__eq__
    ending = host[1:]
    if "." not in ending[1:] and ending != ".localhost":
        raise RegistrationError(f"CORS(origins=) got {origin!r}, which lets in whole top-level domains.")

    def matches(asked: str) -> bool:
        start, end = f"{scheme}://", f"{ending}{port}"
        labels = asked[len(start) : -len(end)]
        is_inside = asked.startswith(start) and asked.endswith(end) and len(asked) > len(start) + len(end)
        return is_inside and all(_is_label(label) for label in labels.split("."))

    return matches


def _parts(origin: str) -> tuple[str, str, str]:
    """Scheme, host and `:port` of an origin as browsers write it; RegistrationError for anything else."""
    scheme, separator, rest = origin.partition("://")
    host, colon, port = (rest, "", "") if rest.endswith("]") else rest.partition(":")
    labels = host.removeprefix("*.").split(".")
    is_host = all(_is_label(label) for label in labels) or (host.startswith("[") and host.endswith("]"))
    if not separator or not scheme.isalnum() or not is_host or (colon and not port.isdigit()):
        near = f"{scheme}://{rest.partition('/')[0]}" if separator and rest else f"https://{origin}"
        raise RegistrationError(
            f"CORS(origins=) got {origin!r}, which is no origin: it is scheme, host and port alone, as in "
            f"{near.strip(' /')!r}. A star stands for subdomains: 'https://*.shop.example'."
        )
    if (scheme, port) in (("https", "443"), ("http", "80")):
        colon = port = ""  # browsers leave the scheme's own port out
    return scheme, host, f"{colon}{port}"


def _is_label(label: str) -> bool:
    return bool(label) and label.isascii() and label.replace("-", "").replace("_", "").isalnum()


def _listed(keyword: str, names: Iterable[str], *, upper: bool = False) -> tuple[str, ...]:
    if isinstance(names, str):
        raise RegistrationError(f"CORS({keyword}={names!r}) is a str. Write CORS({keyword}=[{names!r}]).")
    listed = tuple(name.upper() if upper else name for name in names)
    for name in listed:
        try:
            checked_field(name, "")
        except EncodingError as exc:
            raise RegistrationError(f"CORS({keyword}=) got {name!r}: {exc}") from exc
    return listed
