"""Cache-Control of a request and of an answer (RFC 9111, 5.2), each directive an attribute."""

from __future__ import annotations

from .header_values import joined_directives
from .notifying import NotifyingDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _flag(name: str) -> Any:
    """A directive that is there or is not."""

    def set_flag(directives: CacheControl, value: object) -> None:
        _write(directives, name, None, bool(value))

    return property(
        lambda directives: name in directives, set_flag, lambda directives: _drop(directives, name)
    )


def _argument(name: str, empty: object, type: type[Any]) -> Any:
    """A directive with an argument; without one it reads as `empty`, and one that `type` refuses as None."""

    def get_argument(directives: CacheControl) -> Any:
        if name not in directives:
            return None
        try:
            return empty if directives[name] is None else type(directives[name])
        except ValueError:
            return None

    def set_argument(directives: CacheControl, value: Any) -> None:
        is_set = value is not None and value is not False
        _write(directives, name, str(type(value)) if is_set and value is not True else None, is_set)

    return property(get_argument, set_argument, lambda directives: _drop(directives, name))


def _write(directives: CacheControl, name: str, value: str | None, is_set: bool) -> None:
    if is_set:
        directives[name] = value
    else:
        _drop(directives, name)


def _drop(directives: CacheControl, name: str) -> None:
    directives.pop(name, None)


class CacheControl(NotifyingDict):
    """The directives by name, with Werkzeug's attributes: `max_age` and so on.

    A flag is True or False; an argument is None where the directive is missing or no number.
    """

    __slots__ = ()

    no_store: bool = _flag("no-store")
    no_transform: bool = _flag("no-transform")
    max_age: int | None = _argument("max-age", None, int)
    stale_if_error: int | None = _argument("stale-if-error", None, int)

    def to_header(self) -> str:
        """The directives as the header writes them."""
        return joined_directives(self)

    __str__ = to_header

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.to_header()!r}>"


class RequestCacheControl(CacheControl):
    """What the caller asks of caches. `max_stale` is True where any age will do."""

    __slots__ = ()

    no_cache: bool = _flag("no-cache")
    only_if_cached: bool = _flag("only-if-cached")
    min_fresh: int | None = _argument("min-fresh", None, int)
    max_stale: int | bool | None = _argument("max-stale", True, int)


class ResponseCacheControl(CacheControl):
    """What an answer tells caches; setting an attribute writes the header: `max_age = 60`, `no_store = True`.

    Setting an argument to None or False drops the directive. `private` and `no_cache` may be True or
    name fields.
    """

    __slots__ = ()

    public: bool = _flag("public")
    must_revalidate: bool = _flag("must-revalidate")
    proxy_revalidate: bool = _flag("proxy-revalidate")
    immutable: bool = _flag("immutable")
    must_understand: bool = _flag("must-understand")
    no_cache: str | bool | None = _argument("no-cache", True, str)
    private: str | bool | None = _argument("private", True, str)
    s_maxage: int | None = _argument("s-maxage", None, int)
    stale_while_revalidate: int | None = _argument("stale-while-revalidate", None, int)
