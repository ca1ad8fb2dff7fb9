"""The modules under one folder of sys.path, as Python's finder takes them; nothing is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: In the order in which a finder takes them; before the first may stand the interpreter's tag.
_SUFFIXES = (".so", ".pyd", ".py", ".pyc")


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Where a dotted name leads: the files that importing it runs, outermost first, by their names.

    `missing` is the first part of the name that is not there. What hangs below a module that is no package is
    not missing: only running the module tells.
    """

    files: tuple[tuple[str, str], ...]
    missing: str | None = None
    is_package: bool = False


@dataclass(frozen=True)
class _Listing:
    """What one folder holds: its folders, and the file of each module."""

    folders: frozenset[str]
    modules: dict[str, str]


@dataclass(frozen=True)
class Tree:
    """Modules by their dotted names; each folder is read once."""

    root: Path
    _listings: dict[str, _Listing] = field(default_factory=dict, repr=False)
    _found: dict[str, Resolution] = field(default_factory=dict, repr=False)

    def find(self, module: str) -> Resolution:
        """Look a dotted name up."""
        if module not in self._found:
            self._found[module] = self._find(module)
        return self._found[module]

    def _find(self, module: str) -> Resolution:
        folder, done = str(self.root), ""
        files: list[tuple[str, str]] = []
        for part in module.split("."):
            done = f"{done}.{part}" if done else part
            here, inner = self._list(folder), f"{folder}{os.sep}{part}"
            if part in here.folders and (init := self._list(inner).modules.get("__init__")):
                files.append((done, init))
            elif part in here.modules:
                files.append((done, here.modules[part]))
                return Resolution(files=tuple(files))
            elif part not in here.folders:
                return Resolution(files=tuple(files), missing=done)
            folder = inner
        return Resolution(files=tuple(files), is_package=True)

    def _list(self, folder: str) -> _Listing:
        if folder not in self._listings:
            self._listings[folder] = _read(folder)
        return self._listings[folder]


def _read(folder: str) -> _Listing:
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.path, entry.is_dir()) for entry in entries]
    except OSError:  # not a folder any more, or not ours to read: nothing can be imported from it
        return _Listing(folders=frozenset(), modules={})
    modules: dict[str, str] = {}
    for suffix in reversed(_SUFFIXES):
        modules |= {
            name.partition(".")[0]: path for name, path, is_folder in found if _is(name, suffix, is_folder)
        }
    return _Listing(folders=frozenset(name for name, _, is_folder in found if is_folder), modules=modules)


def _is(name: str, suffix: str, is_folder: bool) -> bool:
    if is_folder or not name.endswith(suffix):
        return False
    return suffix in (".so", ".pyd") or name.count(".") == 1
