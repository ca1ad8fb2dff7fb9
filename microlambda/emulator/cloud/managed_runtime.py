"""What Lambda's managed Python runtime has beside the standard library: its client and boto3.

The folder is made of the installed distributions' own files, so that nothing else of our environment can be
imported from it: an app that imports click without requiring it fails, as on AWS.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from microlambda.emulator import runtime_client
from microlambda.emulator.cloud import launch

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLIENT = "awslambdaric"


@dataclass(frozen=True, kw_only=True)
class ManagedRuntime:
    """The folder, and whose runtime client is in it: AWS's own, or ours where AWS's has no wheel."""

    folder: Path
    is_aws_client: bool

    def command(self, task_root: Path, handler: str, layers: tuple[Path, ...]) -> tuple[str, ...]:
        """The command that runs a function's archive and finds no package of ours.

        -S and -E: no site-packages, no PYTHON* variables; -P: not the script's folder; -B and -u stand for
        the variables that -E shuts out.
        """
        flags = ("-S", "-E", "-s", "-P", "-B", "-u")
        folders = (str(task_root), str(self.folder), *(str(layer) for layer in layers))
        return (sys.executable, *flags, str(launch.__file__), handler, *folders)


def make_managed_runtime(folder: Path) -> ManagedRuntime:
    """Fill `folder` with links to the distributions (copies where links are not to be had)."""
    folder.mkdir(parents=True)
    is_aws_client = _is_installed(_CLIENT)
    for name in sorted(_needed("boto3", *([_CLIENT] if is_aws_client else []))):
        for source in _top_level(name):
            _link(source, folder / source.name)
    if not is_aws_client:
        _link(Path(runtime_client.__file__), folder / launch.OUR_CLIENT)
    return ManagedRuntime(folder=folder, is_aws_client=is_aws_client)


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


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


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:  # Windows without the right to make links
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
