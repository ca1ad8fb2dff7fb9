"""What Headers can do beyond being read: changing it, what it refuses, and Werkzeug's other names."""

from __future__ import annotations

from ..errors import EncodingError
from .headers import Headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, overload

    from .headers import HeadersLike

_REQUIRED: Any = object()
_SIGNS = "!#$%&'*+-.^_`|~"
TOKEN = frozenset(f"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789{_SIGNS}")


class HeaderMethods:
    """The later half of `Headers`, loaded when one of these is first used."""

    if TYPE_CHECKING:
        _items: list[tuple[str, str]]

        @overload
        def get(self, name: str, default: None = None, type: None = None) -> str | None: ...
        @overload
        def get(self, name: str, default: str, type: None = None) -> str: ...
        @overload
        def get(self, name: str, default: Any = None, *, type: Callable[[str], Any]) -> Any: ...

        def get(self, name: str, default: Any = None, type: Callable[[str], Any] | None = None) -> Any:
            """The first value."""

        def getlist(self, name: str) -> list[str]:
            """All values."""

    def extend(self, fields: HeadersLike = (), /, **more: Any) -> None:
        """Add every field of `fields`, keeping those of the same name."""
        pairs = fields.items() if hasattr(fields, "items") else fields
        fresh = []
        for name, value in (*pairs, *more.items()):
            fresh += [checked_field(name, one) for one in _each(value)]
        self._items += fresh

    def update(self, fields: HeadersLike = (), /, **more: Any) -> None:
        """Set every field of `fields`, replacing those of the same name."""
        fresh = Headers()
        fresh.extend(fields, **more)
        replaced = {name.lower() for name, _ in fresh._items}
        kept = [item for item in self._items if item[0].lower() not in replaced]
        self._items = kept + fresh._items

    def add(self, name: str, value: object, /, **parameters: object) -> None:
        """Add a field and keep the others of that name; parameters follow the value (`filename="a.csv"`)."""
        if parameters:
            value = self._with_parameters(value, parameters)
        self._items.append(checked_field(name, value))

    def set(self, name: str, value: object, /, **parameters: object) -> None:
        """Make this the only field of that name; a list, tuple or set makes several."""
        if parameters:
            value = self._with_parameters(value, parameters)
        fields = [checked_field(name, one) for one in _each(value)]
        self.remove(name)
        self._items += fields

    def remove(self, name: str) -> None:
        """Drop every field of that name; none is no error."""
        lower = name.lower()
        self._items = [item for item in self._items if item[0].lower() != lower]

    def __setitem__(self, name: str, value: object) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        self.remove(name)

    def setdefault(self, name: str, value: object) -> str:
        """The first value of that name, after setting `value` where there is none."""
        if self.get(name) is None:
            self.set(name, value)
        return self.getlist(name)[0]

    def setlist(self, name: str, values: Iterable[object]) -> None:
        """Make these the only fields of that name; none of them removes it."""
        self.set(name, list(values))

    def setlistdefault(self, name: str, values: Iterable[object]) -> list[str]:
        """All values of that name, after setting `values` where there is none."""
        if self.get(name) is None:
            self.setlist(name, values)
        return self.getlist(name)

    def add_header(self, name: str, value: object, /, **parameters: object) -> None:
        """The same as `add` (wsgiref's name)."""
        self.add(name, value, **parameters)

    def get_all(self, name: str) -> list[str]:
        """The same as `getlist` (wsgiref's name)."""
        return self.getlist(name)

    def keys(self) -> list[str]:
        """The names, one for each field."""
        return [name for name, _ in self._items]

    def values(self) -> list[str]:
        """The values, one for each field."""
        return [value for _, value in self._items]

    def copy(self) -> Headers:
        """An independent copy."""
        return Headers.trusted(list(self._items))

    def clear(self) -> None:
        """Drop every field."""
        self._items = []

    def pop(self, name: str | int | None = None, default: Any = _REQUIRED) -> Any:
        """The first value of that name, after dropping all of them.

        With a number, or nothing at all, the field that stands there, or last, as a pair.
        """
        if not isinstance(name, str):
            return self._items.pop(-1 if name is None else name)
        value = self.get(name)
        if value is None:
            return self._item(name) if default is _REQUIRED else default
        self.remove(name)
        return value

    def popitem(self) -> tuple[str, str]:
        """The last field, dropped."""
        return self._items.pop()

    def poplist(self, name: str) -> list[str]:
        """All values of that name, dropped; an empty list where there is none."""
        values = self.getlist(name)
        self.remove(name)
        return values

    def to_wsgi_list(self) -> list[tuple[str, str]]:
        """All fields as WSGI takes them."""
        return list(self._items)

    def _with_parameters(self, value: object, parameters: Mapping[str, object]) -> str:
        from .header_values import with_parameters

        names = {name.replace("_", "-"): one for name, one in parameters.items()}
        return with_parameters(str(value), names)

    def _converted(self, value: str, default: Any, type: Callable[[str], Any]) -> Any:
        try:
            return type(value)
        except ValueError:
            return default

    def _all_converted(self, values: list[str], type: Callable[[str], Any]) -> list[Any]:
        converted = [self._converted(value, _REQUIRED, type) for value in values]
        return [value for value in converted if value is not _REQUIRED]

    def _item(self, name: str | int) -> Any:
        """The field at that place; for a name, the error that it is missing."""
        if not isinstance(name, str):
            return self._items[name]
        from .multidict import MissingKey

        raise MissingKey(f"the header {name!r} is missing.")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return _without_case(self._items) == _without_case(other._items)

    def __or__(self, other: Mapping[str, Any]) -> Headers:
        if not hasattr(other, "items"):
            return NotImplemented
        both = self.copy()
        both.update(other)
        return both

    def __ior__(self, other: HeadersLike) -> Headers:
        if not hasattr(other, "__iter__"):
            return NotImplemented
        self.update(other)
        return self  # type: ignore[return-value]  # nobody but Headers has these methods

    def __copy__(self) -> Headers:
        return self.copy()

    def __str__(self) -> str:
        return "".join([f"{name}: {value}\r\n" for name, value in self._items]) + "\r\n"

    def __repr__(self) -> str:
        return f"Headers({self._items!r})"


def _each(value: object) -> Iterable[object]:
    return value if isinstance(value, (list, tuple, set)) else (value,)


def _without_case(items: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in items)


def checked_field(name: object, value: object) -> tuple[str, str]:
    """The field as strings; a name that is no token, and CR, LF or NUL in a value, are refused."""
    if not isinstance(name, str) or not (name and TOKEN.issuperset(name)):
        raise EncodingError(
            f"{name!r} is no name for a header: it takes letters, digits and {_SIGNS} (RFC 9110, 5.6.2)."
        )
    return name, _checked_value(name, value)


def _is_refused(one: str) -> bool:
    return (one < " " and one != "\t") or one == "\x7f" or "\ud800" <= one <= "\udfff"


def _checked_value(name: str, value: object) -> str:
    """The value as text, whatever its type; what would end the field is refused."""
    if value is None:
        raise EncodingError(f"the header {name!r} has no value: it is None.")
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise EncodingError(f"the header {name!r} cannot have the value {value!r}: give str, not bytes.")
    # An Enum's own __str__ would give its name.
    text = str.__str__(value) if isinstance(value, str) else str(value)
    # Tabs and characters beyond ASCII that are not printable come here, too, and are fine.
    if not text.isprintable() and any(map(_is_refused, text)):
        raise EncodingError(
            f"the header {name!r} cannot have the value {text!r}: CR, LF, NUL, other control characters and "
            "surrogates are refused."
        )
    return text
