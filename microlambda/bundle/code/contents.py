"""What can be imported from an archive, told by the names of its entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from microlambda.bundle.target import Target


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Modules and packages by their paths without endings: a/b, a/__init__; folders may be namespaces."""

    modules: frozenset[str]
    folders: frozenset[str]

    @classmethod
    def of(cls, names: Collection[str], target: Target) -> Contents:
        """Read the names of entries, written from the folder that is on sys.path."""
        found = [name for name in names if "__pycache__/" not in name and ".dist-info/" not in name]
        modules = (_module(name, target) for name in found)
        return cls(modules=frozenset(filter(None, modules)), folders=_folders(found))

    def has(self, module: str) -> bool:
        """Tell whether anything is found under the first part of a dotted name."""
        top = module.partition(".")[0]
        return top in self.modules or top in self.folders

    def missing(self, module: str) -> str | None:
        """Name the first part of a dotted name that is not there; None where nothing is missing.

        What hangs below a module that is no package is not missing: only running the module tells.
        """
        path = ""
        for part in module.split("."):
            path = f"{path}/{part}" if path else part
            if f"{path}/__init__" in self.modules:
                continue
            if path in self.modules:
                return None
            if path not in self.folders:
                return path.replace("/", ".")
        return None

    def is_regular(self, package: str) -> bool:
        """Tell whether a package has an __init__, so that nothing else can add to it."""
        return f"{package.replace('.', '/')}/__init__" in self.modules


def _module(name: str, target: Target) -> str | None:
    folder, slash, file = name.rpartition("/")
    stem, _, rest = file.partition(".")
    return f"{folder}{slash}{stem}" if rest in ("py", "pyc") or is_extension(rest, target) else None


def is_extension(ending: str, target: Target) -> bool:
    """Tell whether the target's Python takes a file that ends so for a module: `abi3.so`.

    Of this machine anything is believed: what was installed for it has its own endings.
    """
    if target.host:
        return ending.endswith(("so", "pyd"))
    if ending in ("so", "abi3.so"):
        return True
    tag = f"{target.cache_tag}-{target.machine}-"
    return ending.endswith(".so") and ending.startswith(tag)


def _folders(names: Collection[str]) -> frozenset[str]:
    folders: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(folders)
