"""`session`: what an app remembers of one user, in a signed cookie that Flask can read, and we Flask's.

The cookie is signed, not encrypted: who has it can read it. It is read when a view first looks into the
session, and sent again when something in it was changed. What signs and tags it is as in Flask:
https://flask.palletsprojects.com/en/stable/api/#sessions
"""

from __future__ import annotations

from .context import Proxy, current_context, current_request
from .errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .app import App
    from .http.request import Request
    from .http.response import Response

_PERMANENT = "_permanent"
_LIFETIME = 31 * 24 * 3600  # s: PERMANENT_SESSION_LIFETIME of Flask
_UNSIGNED = (
    "the session cannot be written, for nothing signs it: set app.secret_key to a long random "
    "value that is the same in all environments of the app, from a secret of its stage."
)
_THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")


class Session(dict):  # type: ignore[type-arg]
    """A dict that knows whether it was changed; what is inside a value is not watched: set `modified` then.

    `new` says that the caller sent none, `permanent` that it outlives the browser.
    """

    modified = False
    new = False
    #: Why nothing can be written: no key was set.
    missing_key = False

    def _changed(self) -> None:
        if self.missing_key:
            raise ConfigurationError(_UNSIGNED)
        self.modified = True

    @property
    def permanent(self) -> bool:
        """Whether the cookie has a date of expiry, PERMANENT_SESSION_LIFETIME seconds from now on."""
        return bool(self.get(_PERMANENT, False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self[_PERMANENT] = bool(value)

    def __setitem__(self, key: str, value: Any) -> None:
        self._changed()
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self._changed()
        super().__delitem__(key)

    def __ior__(self, other: Any) -> Session:  # type: ignore[misc]
        self.update(other)
        return self

    def clear(self) -> None:
        """Forget everything: the cookie is taken back."""
        self._changed()
        super().clear()

    def pop(self, *args: Any) -> Any:
        """Take a value away and return it."""
        if args and args[0] in self:
            self._changed()
        return super().pop(*args)

    def popitem(self) -> tuple[str, Any]:
        """Take the last value away and return it with its key."""
        self._changed()
        return super().popitem()

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value, after setting it where it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **values: Any) -> None:
        """Take over values."""
        self._changed()
        super().update(*args, **values)

    def save(self, app: App, request: Request, response: Response) -> None:
        """Put into the response what has become of it."""
        response.vary.add("Cookie")
        config = app.config
        name = cookie_name(app)
        place = {
            "path": config.get("SESSION_COOKIE_PATH") or "/",
            "domain": config.get("SESSION_COOKIE_DOMAIN"),
            "secure": _is_secure(config, request),
            "httponly": config.get("SESSION_COOKIE_HTTPONLY", True),
            "samesite": config.get("SESSION_COOKIE_SAMESITE", "Lax"),
        }
        if not self:
            if self.modified:
                response.delete_cookie(name, **place)
            return
        lasts = self.permanent
        if self.modified or (lasts and config.get("SESSION_REFRESH_EACH_REQUEST", True)):
            import time

            expires = time.time() + _lifetime(config) if lasts else None
            response.set_cookie(name, self.signed(app), expires=expires, **place)

    def signed(self, app: App) -> str:
        """What the cookie holds; ConfigurationError where the key is empty that was asked for."""
        keys = _keys(app)
        if not keys:
            raise ConfigurationError(_UNSIGNED)
        text: str = _serializer(keys).dumps(dict(self))
        return text


def _is_secure(config: dict[str, Any], request: Request) -> bool:
    """By HTTPS alone, unless the caller speaks to this machine without it, or the app says otherwise."""
    said = config.get("SESSION_COOKIE_SECURE")
    if said is not None:
        return bool(said)
    named = {request.host, request.host.rpartition(":")[0]}  # port 80 is not named
    return not (request.scheme == "http" and not named.isdisjoint(_THIS_MACHINE))


def _lifetime(config: dict[str, Any]) -> int:
    lifetime = config.get("PERMANENT_SESSION_LIFETIME", _LIFETIME)
    return int(lifetime.total_seconds() if hasattr(lifetime, "total_seconds") else lifetime)


def _key(app: App) -> Any:
    return app.secret_key or app.config.get("SECRET_KEY")


def _keys(app: App) -> list[Any]:
    """The keys, the oldest first: all are read, the last one signs; none where that one is empty.

    Older ones that are empty are left out: what they sign anybody can sign.
    """
    kept = (*(app.config.get("SECRET_KEY_FALLBACKS") or ()), _key(app))
    keys = [one() if callable(one) else one for one in kept]
    return [one for one in keys if one] if keys[-1] else []


def _serializer(keys: list[Any]) -> Any:
    import hashlib

    from itsdangerous import URLSafeTimedSerializer

    from .session_json import SessionJSON

    return URLSafeTimedSerializer(
        keys,
        salt="cookie-session",
        serializer=SessionJSON,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
    )


def cookie_name(app: App) -> str:
    """The name of the cookie: SESSION_COOKIE_NAME, or "session"."""
    name: str = app.config.get("SESSION_COOKIE_NAME", "session")
    return name


def opened(app: App, sent: str | None) -> Session:
    """The session that a cookie holds; an empty one where there is none that we have signed."""
    if not _key(app):
        session = Session()
        session.missing_key = True
        return session
    keys = _keys(app) if sent is not None else None
    if keys:
        from itsdangerous import BadData

        try:
            found = _serializer(keys).loads(sent, max_age=_lifetime(app.config))
        except (BadData, ValueError, TypeError):  # not ours, changed, or too old
            found = None
        if isinstance(found, dict):
            return Session(found)
    session = Session()
    session.new = True
    return session


def _session() -> Session:
    request = current_request("session")
    context = current_context("session")
    if context.opened_session is None:
        context.opened_session = opened(context.app, request.cookies.get(cookie_name(context.app)))
    found: Session = context.opened_session
    return found


class _SessionProxy(Proxy):
    """Stands for the session of the current request."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        return _session()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        _session()[key] = value

    def __delitem__(self, key: str) -> None:
        del _session()[key]

    def __len__(self) -> int:
        return len(_session())

    def __bool__(self) -> bool:
        return bool(_session())

    def __eq__(self, other: object) -> bool:
        return _session() == other

    def __ne__(self, other: object) -> bool:
        return _session() != other

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Any) -> Any:
        return _session() | other

    def __ior__(self, other: Any) -> _SessionProxy:
        _session().update(other)
        return self

    def __reversed__(self) -> Iterator[str]:
        return reversed(_session())

    def __repr__(self) -> str:
        return repr(_session())


session: Session = _SessionProxy(_session)  # type: ignore[assignment]
