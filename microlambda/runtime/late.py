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

        try:
            module = import_module(self._module)
        except ImportError as exc:
            from .missing import explain

            explain(exc, f"app.{self._name}")
            raise
        source = vars(getattr(module, self._source))
        for name, member in list(vars(self._owner).items()):
            if type(member) is LateMember and member._module == self._module:
                setattr(self._owner, name, source[name])
        return source[self._name]

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self._load().__get__(instance, owner)

    def __set__(self, instance: object, value: object) -> None:
        self._load()
        object.__setattr__(instance, self._name, value)

    def __delete__(self, instance: object) -> None:
        self._load()
        object.__delattr__(instance, self._name)


def lend(owner: type, module: str, source: str, names: str) -> None:
    """Give `owner` those members of the class `source` in `module`, whose name is absolute."""
    for name in names.split():
        setattr(owner, name, LateMember(owner, module, source, name))
