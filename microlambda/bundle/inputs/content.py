"""What lies behind requirements that name files and folders of this machine: contents count, too."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from microlambda.bundle.code.build_input import left_behind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda.bundle.inputs.requirements import Requirements


def local_content(requirements: Requirements) -> list[str]:
    """Hash every wheel and every folder that is named, in the order in which they are."""
    files = [_digest(path) for path in requirements.local_files]
    return files + [_location_digest(one.folder) for one in requirements.sources if one.folder is not None]


def _location_digest(path: Path) -> str:
    return _folder_digest(path) if path.is_dir() else _digest(path)


def _folder_digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(_files(folder)):
        total.update(f"{path.relative_to(folder).as_posix()}\0{_digest(path)}\n".encode())
    return total.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """Give the files that a build may read."""
    for root, folders, files in os.walk(folder):
        behind = left_behind(root, [*folders, *files])
        folders[:] = [name for name in folders if name not in behind]
        yield from (Path(root, name) for name in files if name not in behind)


def _digest(path: Path) -> str:
    # A link to nothing counts as what it is: the build says what it lacks.
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
