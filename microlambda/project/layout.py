"""Which folder of a project its modules are imported from; it becomes the archive's root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.project.errors import AppNotFound
from microlambda.project.search import find_module

if TYPE_CHECKING:
    from pathlib import Path


def import_root(root: Path, app: str | None = None) -> Path:
    """Name the folder that holds the App's module: the project, or its `src/`. Imports nothing.

    `app` is "module:attribute" or "module", None for the only App there is. Where it cannot be told, it is
    the project's folder: whoever loads the App will say what is missing.
    """
    try:
        module = (app or find_module(root)).partition(":")[0]
    except AppNotFound:
        return root
    top = module.removesuffix(".py").replace("/", ".").partition(".")[0]
    folders = (root, root / "src")
    return next((one for one in folders if (one / f"{top}.py").is_file() or (one / top).is_dir()), root)
