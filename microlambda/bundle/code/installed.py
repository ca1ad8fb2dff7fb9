"""What this machine has: where a module lies that `local` would find, and which distribution brought it.

Nothing is imported.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from functools import cache
from pathlib import Path

from microlambda.bundle.code.tree import Tree


def where_installed(module: str) -> Path | None:
    """Find the file or the folder of a module by its dotted name; None where it is not on this machine."""
    top = module.partition(".")[0]
    for folder in _folders(top):
        resolution = Tree(folder).find(module)
        if resolution.missing is None:
            return Path(resolution.files[-1][1]) if resolution.files else folder.joinpath(*module.split("."))
    return None


def _folders(top: str) -> list[Path]:
    """Name the folders of sys.path that hold a top-level module, or parts of its namespace."""
    try:
        spec = importlib.util.find_spec(top)
    except (ValueError, ImportError):  # a loaded module that does not say where it is from; a broken finder
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(place).parent for place in spec.submodule_search_locations]
    return [Path(spec.origin).parent] if spec.has_location and spec.origin else []


def distribution_of(module: str) -> str | None:
    """Name the installed distribution that a module comes from, as an index lists it: PyYAML for yaml."""
    top = module.partition(".")[0]
    names = sorted(set(_distributions(tuple(sys.path)).get(top, ())))
    path = module.replace(".", "/")
    holding = [name for name in names if len(names) == 1 or _holds(name, path)]
    return holding[0] if holding else None


@cache
def _distributions(_path: tuple[str, ...]) -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


def _holds(name: str, path: str) -> bool:
    files = importlib.metadata.distribution(name).files or ()
    return any(file.as_posix().startswith((f"{path}/", f"{path}.")) for file in files)
