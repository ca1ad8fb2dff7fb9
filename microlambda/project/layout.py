"""Where a project keeps the module with its App: in its folder, or in its `src/`. Nothing is imported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from microlambda.project.errors import AppNotFound, nearest
from microlambda.project.search import find_module

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class ModulePlace:
    """A module, the folder that it is imported from (the root of the archive), the App's name if given."""

    module: str
    import_root: Path
    attribute: str | None = None

    @property
    def file(self) -> Path:
        """Give the file of the module; a package goes before a module of its name, as in Python."""
        path = self.import_root.joinpath(*self.module.split("."))
        package = path / "__init__.py"
        return package if package.is_file() else path.with_suffix(".py")


def locate(root: Path, wanted: str | None = None) -> ModulePlace:
    """Find the module of "module:attribute" or "module"; of None, the only one with an App.

    `smslib/web.py` stands for `smslib.web`, because a shell completes it. `AppNotFound` where there is none.
    """
    name, _, attribute = (wanted or find_module(root)).partition(":")
    module = _dotted(name)
    if attribute and not attribute.isidentifier():
        raise AppNotFound(_no_attribute(attribute, module))
    inner = Path(*module.split("."))
    for folder in (root, root / "src"):
        if (folder / inner).with_suffix(".py").is_file() or (folder / inner / "__init__.py").is_file():
            return ModulePlace(module=module, import_root=folder, attribute=attribute or None)
    expected = inner.with_suffix(".py")
    modules = {name for folder in (root, root / "src") for name in _modules_near(folder, module)}
    raise AppNotFound(f"{root} has no {expected}, and no src/{expected}.{nearest(module, modules)}")


def _modules_near(folder: Path, module: str) -> Iterator[str]:
    """Name the modules and packages in the folder, and those beside the one that is not there."""
    for package in {"", module.rpartition(".")[0]}:
        start = f"{package}." if package else ""
        place = folder.joinpath(*package.split("."))
        files = [*place.glob("*.py"), *(init.parent for init in place.glob("*/__init__.py"))]
        yield from (f"{start}{file.stem}" for file in files if file.stem != "__init__")


def import_root(root: Path, wanted: str | None = None) -> Path:
    """Name the folder that the App's module is imported from; the project's own where that cannot be told."""
    try:
        return locate(root, wanted).import_root
    except AppNotFound:
        return root  # whoever loads the App will say what is missing


def _dotted(name: str) -> str:
    path = name.replace("\\", "/").removeprefix("./")
    module = path.removesuffix(".py").strip("/").replace("/", ".") if path.endswith(".py") else path
    if not all(part.isidentifier() for part in module.split(".")):
        raise AppNotFound(_unimportable(name, module))
    return module


def _no_attribute(attribute: str, module: str) -> str:
    """Say that an attribute is named, and nothing is called, as servers do with factories."""
    maker = attribute.partition("(")[0]
    if maker.isidentifier():
        return (
            f"{attribute!r} is a call, and what is named is an attribute of {module!r}. Write app = "
            f"{attribute} into a module, wsgi.py say, and name that: wsgi:app."
        )
    return f"{attribute!r} is no name of an attribute. Write module:attribute, such as {module}:app."


def _unimportable(name: str, module: str) -> str:
    """Say why Python imports no module of this name, and what to do."""
    mended = re.sub(r"(?<=\w)[^\w./]+(?=\w)", "_", module)
    if mended != module and all(part.isidentifier() for part in mended.split(".")):
        return (
            f"{name!r} is no name that Python imports: it takes letters, digits and _ alone. "
            f"Give the file or folder another name, and write {mended}."
        )
    return f"{name!r} is no module of this project. Write module:attribute, such as app:app."
