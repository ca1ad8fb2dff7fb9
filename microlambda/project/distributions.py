"""Parts of our own environment in a folder alone: distributions that are installed here.

The folder is made of the distributions' own files, so that nothing else of our environment can be imported
from it.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_installed(name: str) -> bool:
    """Tell whether a distribution is installed here."""
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def link_distributions(folder: Path, *names: str) -> None:
    """Fill `folder` with links to distributions and all that they require (copies where links cannot be)."""
    for name in sorted(_needed(*names)):
        for source in _top_level(name):
            link(source, folder / source.name)


def _needed(*names: str) -> set[str]:
    """The names of distributions and, step by step, of all that they require here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        for line in importlib.metadata.requires(name) or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def _top_level(name: str) -> Iterator[Path]:
    """The files and folders that a distribution put beside those of others."""
    distribution = importlib.metadata.distribution(name)
    names = {
        file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "/", "__pycache__")
    }
    for top in sorted(names):
        path = Path(str(distribution.locate_file(top)))
        if path.exists():
            yield path


def link(source: Path, target: Path) -> None:
    """Make `target` a link to a file or folder, or a copy of it."""
    try:
        target.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:  # Windows without the right to make links
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
