"""A dict that writes itself back: the header that it was read from follows every change."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _telling(name: str) -> Any:
    """The method of dict by that name, after which the dict tells that it changed."""
    change = getattr(dict, name)

    def method(self: NotifyingDict, *args: Any, **named: Any) -> Any:
        result = change(self, *args, **named)
        self._tell()
        return result

    return method


class NotifyingDict(dict[str, "Any"]):
    """A dict that calls `changed`, where there is one, with itself after every change."""

    __slots__ = ("_changed",)

    def __init__(self, pairs: dict[str, Any], changed: Callable[[Any], None] | None = None) -> None:
        super().__init__(pairs)
        self._changed = changed

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed(self)

    __setitem__ = _telling("__setitem__")
    __delitem__ = _telling("__delitem__")
    __ior__ = _telling("__ior__")
    update = _telling("update")
    popitem = _telling("popitem")
    clear = _telling("clear")

    def pop(self, key: str, *default: Any) -> Any:
        """As dict's; what was not there is no change."""
        is_there = key in self
        value = super().pop(key, *default)
        if is_there:
            self._tell()
        return value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """As dict's; what is there already is no change."""
        if key not in self:
            self[key] = default
        return self[key]
