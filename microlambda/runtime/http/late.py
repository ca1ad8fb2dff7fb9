"""Members of a class that live in a module of their own, which loads when one of them is first touched."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class LateMember:
    """Stands for a method or property of `owner` until somebody reads, calls, sets or deletes it."""

    __slots__ = ("_module", "_name", "_owner", "_source")

    def __init__(self, owner: type, module: str, source: str, name: str) -> None:
        self._owner = owner
        self._module = module
        self._source = source
        self._name = name

    def _load(self) -> Any:
        from importlib import import_module

        source = getattr(import_module(f"{__package__}.{self._module}"), self._source)
        member = vars(source)[self._name]
        setattr(self._owner, self._name, member)
        return member

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self._load().__get__(instance, owner)

    def __set__(self, instance: object, value: object) -> None:
        self._load().__set__(instance, value)

    def __delete__(self, instance: object) -> None:
        self._load().__delete__(instance)


def lend(owner: type, module: str, source: str, names: str) -> None:
    """Give `owner` those members of the class `source` in `module`, a neighbour of this file."""
    for name in names.split():
        setattr(owner, name, LateMember(owner, module, source, name))
