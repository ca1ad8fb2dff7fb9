"""The items of a list header as a set: Vary, Allow, Content-Language, Pragma."""

from __future__ import annotations

from .header_parsing import split_list
from .header_values import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class HeaderSet:
    """The items of a header such as Vary, without case, in order, each once (Werkzeug's names).

    `changed` is called with the set after every change.
    """

    __slots__ = ("_changed", "_items")

    def __init__(self, items: Iterable[str] = (), changed: Callable[[HeaderSet], None] | None = None) -> None:
        self._items: dict[str, str] = {}
        for item in items:
            self._items.setdefault(item.lower(), item)
        self._changed = changed

    @classmethod
    def from_header(cls, value: str | None, changed: Callable[[HeaderSet], None] | None = None) -> HeaderSet:
        """The items of a list header, which may be missing."""
        return cls(split_list(value or ""), changed)

    def add(self, item: str) -> None:
        """Add the item where it is not there yet."""
        self.update((item,))

    def update(self, items: Iterable[str]) -> None:
        """Add every item that is not there yet."""
        for item in items:
            self._items.setdefault(item.lower(), item)
        self._notify()

    def remove(self, item: str) -> None:
        """Drop the item; a KeyError where it is not there."""
        del self._items[item.lower()]
        self._notify()

    def discard(self, item: str) -> None:
        """Drop the item where it is there."""
        if item in self:
            self.remove(item)

    def clear(self) -> None:
        """Drop every item, and with them the header."""
        self._items.clear()
        self._notify()

    def find(self, item: str) -> int:
        """The place of the item, or -1."""
        return next((place for place, key in enumerate(self._items) if key == item.lower()), -1)

    def index(self, item: str) -> int:
        """The place of the item; an IndexError where it is not there."""
        place = self.find(item)
        if place < 0:
            raise IndexError(item)
        return place

    def as_set(self, preserve_casing: bool = False) -> set[str]:
        """The items as a plain set, in lower case unless asked otherwise."""
        return set(self._items.values() if preserve_casing else self._items)

    def to_header(self) -> str:
        """The items as the header writes them."""
        return joined(self._items.values())

    def _notify(self) -> None:
        if self._changed is not None:
            self._changed(self)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, str) and item.lower() in self._items

    def __getitem__(self, place: int) -> str:
        return list(self._items.values())[place]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HeaderSet) and self.as_set() == other.as_set()

    __hash__ = None  # type: ignore[assignment]  # mutable, so it cannot be a key

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        return f"HeaderSet({list(self)!r})"
