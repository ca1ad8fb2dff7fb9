"""A mapping with several values for one key, as queries and forms have them."""

from __future__ import annotations

from ..errors import BadRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from typing_extensions import TypeVar

    V = TypeVar("V", default=str)
else:
    V = str


class MissingKey(BadRequest, KeyError):
    """A key that the caller did not send: 400 if the view does not catch it, as in Flask."""

    def __str__(self) -> str:
        return str(self.detail)


class MultiDict(dict[str, list[V]]):
    """Read-only; `d[key]` and `d.get(key)` give the first value, `d.getlist(key)` all (Werkzeug's names)."""

    def __init__(self, pairs: Iterable[tuple[str, V]] = ()) -> None:
        super().__init__()
        for key, value in pairs:
            dict.setdefault(self, key, []).append(value)

    def __getitem__(self, key: str) -> V:  # type: ignore[override]  # the first value, not the list
        values = dict.get(self, key)
        if values is None:
            raise MissingKey(f"the request lacks {key!r}.")
        return values[0]

    def get(self, key: str, default: Any = None, type: Callable[[V], Any] | None = None) -> Any:
        """The first value, through `type` where given; `default` where it is missing or `type` refuses it."""
        values = dict.get(self, key)
        if values is None:
            return default
        if type is None:
            return values[0]
        try:
            return type(values[0])
        except (ValueError, TypeError):
            return default

    def getlist(self, key: str, type: Callable[[V], Any] | None = None) -> list[Any]:
        """All values; those that `type` refuses are left out."""
        values: list[V] = dict.get(self, key) or []
        if type is None:
            return list(values)
        converted = []
        for value in values:
            try:
                converted.append(type(value))
            except (ValueError, TypeError):
                continue
        return converted

    def items(self, multi: bool = False) -> list[tuple[str, V]]:  # type: ignore[override]
        """First values by key; with `multi=True` every value."""
        if multi:
            return [(key, value) for key, values in dict.items(self) for value in values]
        return [(key, values[0]) for key, values in dict.items(self)]

    def values(self) -> list[V]:  # type: ignore[override]
        """First values."""
        return [values[0] for values in dict.values(self)]

    def lists(self) -> list[tuple[str, list[V]]]:
        """Every key with all its values."""
        return [(key, list(values)) for key, values in dict.items(self)]

    def listvalues(self) -> list[list[V]]:
        """All values of each key."""
        return [list(values) for values in dict.values(self)]

    def copy(self) -> MultiDict[V]:
        """Another one with the same values, as read-only as this."""
        return MultiDict(self.items(multi=True))

    def to_dict(self, flat: bool = True) -> dict[str, Any]:
        """A plain dict of first values, or of lists with `flat=False`."""
        return dict(self.items()) if flat else dict(self.lists())

    def __reduce__(self) -> tuple[type, tuple[list[tuple[str, V]]]]:
        return MultiDict, (self.items(multi=True),)  # copied and unpickled by its pairs, not item by item

    def _read_only(self, *_: object, **__: object) -> None:
        raise TypeError(
            f"{self.__class__.__name__} belongs to a request and is read-only; take .to_dict() to change it."
        )

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = _read_only  # type: ignore[assignment]
    __or__ = __ror__ = __ior__ = _read_only  # type: ignore[assignment]  # dict's would lay the lists open
