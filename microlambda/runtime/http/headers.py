"""Header fields: names without case, several values for one name, in the order they came (RFC 9110, 5.3)."""

from __future__ import annotations

from ..late import lend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any, TypeAlias

    from .header_methods import HeaderMethods as _Late

    HeadersLike: TypeAlias = "Headers | Mapping[str, Any] | Iterable[tuple[str, Any]]"
else:
    _Late = object


class Headers(_Late):
    """A case-insensitive multi-mapping; as in Werkzeug, iterating it gives `(name, value)` pairs.

    Values are strings: numbers are converted, and a list, tuple or set as a value stands for
    several fields of that name. A name that is no token, and a value with CR, LF or NUL, is an
    `EncodingError`, so that no caller can smuggle a header into an answer. `headers[name]` of a
    name that is not there is a 400 unless the view catches it (a KeyError, too).
    """

    __slots__ = ("_items",)

    def __init__(self, fields: HeadersLike | None = None) -> None:
        self._items: list[tuple[str, str]] = []
        if fields:
            self.extend(fields)

    @classmethod
    def trusted(cls, items: list[tuple[str, str]]) -> Headers:
        """The headers of a request, which the gateway has checked already: taken as they are."""
        headers = cls()
        headers._items = items
        return headers

    if not TYPE_CHECKING:  # typed in header_methods, where its overloads cost no cold start

        def get(self, name, default=None, type=None):
            """The first value of that name, through `type` where given; `default` where that refuses it."""
            lower = name.lower()
            for field, value in self._items:
                if field == lower or field.lower() == lower:
                    return value if type is None else self._converted(value, default, type)
            return default

    def getlist(self, name: str, type: Callable[[str], Any] | None = None) -> list[Any]:
        """All values of that name, in order; those that `type` refuses are left out."""
        lower = name.lower()
        values = [value for field, value in self._items if field.lower() == lower]
        return values if type is None else self._all_converted(values, type)

    def items(self) -> list[tuple[str, str]]:
        """All fields, in order."""
        return list(self._items)

    def __getitem__(self, name: str | int) -> Any:
        value = self.get(name) if isinstance(name, str) else None
        return self._item(name) if value is None else value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    __hash__ = None  # type: ignore[assignment]  # mutable, so it cannot be a key


lend(
    Headers,
    f"{__package__}.header_methods",
    "HeaderMethods",
    "extend update add set remove setdefault setlist setlistdefault add_header get_all keys values copy "
    "clear pop popitem poplist to_wsgi_list _with_parameters _converted _all_converted _item "
    "__setitem__ __delitem__ __eq__ __or__ __ior__ __copy__ __str__ __repr__",
)
