"""Header fields: names without case, several values for one name, in the order they came (RFC 9110, 5.3)."""

from __future__ import annotations

from ..errors import EncodingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, TypeAlias

    HeadersLike: TypeAlias = "Headers | Mapping[str, Any] | Iterable[tuple[str, Any]]"


class Headers:
    """A case-insensitive multi-mapping; as in Werkzeug, iterating it gives `(name, value)` pairs.

    Values are strings: numbers are converted, and a list or tuple as a value stands for several
    fields of that name. A name that is no token, and a value with CR, LF or NUL, is an
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

    def extend(self, fields: HeadersLike) -> None:
        """Add every field of `fields`, keeping those of the same name."""
        pairs = fields.items() if hasattr(fields, "items") else fields
        for name, value in pairs:
            if isinstance(value, (list, tuple)):
                for one in value:
                    self.add(name, one)
            else:
                self.add(name, value)

    def update(self, fields: HeadersLike) -> None:
        """Set every field of `fields`, replacing those of the same name."""
        fresh = Headers(fields)
        for name in {name.lower(): name for name, _ in fresh._items}.values():
            self.remove(name)
        self._items.extend(fresh._items)

    def add(self, name: str, value: object) -> None:
        """Add a field and keep the others of that name."""
        self._items.append(checked_field(name, value))

    def set(self, name: str, value: object) -> None:
        """Make this the only field of that name; a list or tuple sets several."""
        values = value if isinstance(value, (list, tuple)) else (value,)
        fields = [checked_field(name, one) for one in values]
        self.remove(name)
        self._items.extend(fields)

    def setdefault(self, name: str, value: object) -> str:
        """The first value of that name, after adding `value` where there is none."""
        present = self.get(name)
        if present is None:
            self.add(name, value)
            return str(value)
        return present

    def remove(self, name: str) -> None:
        """Drop every field of that name; none is no error."""
        lower = name.lower()
        self._items = [item for item in self._items if item[0].lower() != lower]

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of that name."""
        lower = name.lower()
        for field, value in self._items:
            if field == lower or field.lower() == lower:
                return value
        return default

    def getlist(self, name: str) -> list[str]:
        """All values of that name, in order."""
        lower = name.lower()
        return [value for field, value in self._items if field.lower() == lower]

    get_all = getlist

    def items(self) -> list[tuple[str, str]]:
        """All fields, in order."""
        return list(self._items)

    def keys(self) -> list[str]:
        """The names, one for each field."""
        return [name for name, _ in self._items]

    def values(self) -> list[str]:
        """The values, one for each field."""
        return [value for _, value in self._items]

    def copy(self) -> Headers:
        """An independent copy."""
        return Headers.trusted(list(self._items))

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            from .multidict import MissingKey

            raise MissingKey(f"the header {name!r} is missing.")
        return value

    def __setitem__(self, name: str, value: object) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        self.remove(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return _sorted_fields(self) == _sorted_fields(other)

    __hash__ = None  # type: ignore[assignment]  # mutable, so it cannot be a key

    def __repr__(self) -> str:
        return f"Headers({self._items!r})"


def _sorted_fields(headers: Headers) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in headers)


def checked_field(name: object, value: object) -> tuple[str, str]:
    """The field as strings; a name that is no token, and CR, LF or NUL in a value, are refused."""
    text = value if isinstance(value, str) else str(value)
    if not isinstance(name, str) or (name not in _USUAL_NAMES and not (name and _TOKEN.issuperset(name))):
        raise EncodingError(
            f"{name!r} is no name for a header: it takes letters, digits and {_SIGNS} (RFC 9110, 5.6.2)."
        )
    if not text.isprintable():
        _check_value(name, text)
    return name, text


def _check_value(name: str, text: str) -> None:
    # isprintable() was a quick first look: tabs and some characters beyond ASCII land here and are fine.
    if any(one in "\r\n\0" or "\ud800" <= one <= "\udfff" for one in text):
        raise EncodingError(
            f"the header {name!r} cannot have the value {text!r}: CR, LF, NUL and surrogates are refused."
        )


_SIGNS = "!#$%&'*+-.^_`|~"
_TOKEN = frozenset(f"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789{_SIGNS}")
_USUAL_NAMES = frozenset(("Content-Type", "Allow", "Location", "Set-Cookie", "Cache-Control"))
