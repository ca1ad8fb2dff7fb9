"""The files that a resolver installed, and an account of what is taken from them."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from functools import cached_property
from importlib.metadata import Distribution
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.distributions import distributions_in
from microlambda.bundle.slim.account import Package, Removed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Graph = dict[str, Distribution]


class Installation:
    """A folder of installed distributions. Files go by the names that they have in the archive.

    A file is never written to: it may be a link into the resolver's cache. What shrinks is replaced.
    """

    def __init__(self, site: Path) -> None:
        self.site = site
        self.sizes = dict(_walk(str(site), ""))
        self.distributions: Graph = {canonicalize_name(one.name): one for one in distributions_in(site)}
        self.recorded = {name: _recorded(one) for name, one in self.distributions.items()}
        self._counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    @cached_property
    def owners(self) -> dict[str, str]:
        """Name the distribution that brought a file, by the file's name."""
        return {file: name for name, files in self.recorded.items() for file in files}

    @cached_property
    def packages(self) -> frozenset[str]:
        """Name the folders that are packages by their __init__ module: "numpy/linalg"."""
        return frozenset(name.rpartition("/")[0] for name in self.sizes if "/__init__." in name)

    def read(self, name: str) -> bytes:
        """Read a file."""
        return (self.site / name).read_bytes()

    def remove(self, names: Iterable[str], what: str) -> None:
        """Remove files, and count them as `what`."""
        for name in names:
            (self.site / name).unlink()
            self._count(what, self.sizes.pop(name))

    def shrink(self, name: str, content: bytes, what: str) -> None:
        """Put less in the place of a file, and count what was saved as `what`."""
        path = self.site / name
        replacement = path.with_name(f"{path.name}.smaller")
        replacement.write_bytes(content)
        replacement.chmod(path.stat().st_mode & 0o777)
        replacement.replace(path)
        self._count(what, self.sizes[name] - len(content))
        self.sizes[name] = len(content)

    def _count(self, what: str, size: int) -> None:
        self._counts[what][0] += 1
        self._counts[what][1] += size

    def drop(self, names: Iterable[str], what: str) -> None:
        """Remove distributions with all that no other one has too."""
        dropped = {name: self.recorded.pop(name) for name in names}
        staying: frozenset[str] = frozenset().union(*self.recorded.values())
        for name, files in dropped.items():
            self.remove(sorted((files - staying) & self.sizes.keys()), what)
            del self.distributions[name]

    def remove_empty_folders(self) -> None:
        """Remove the folders that hold nothing any more."""
        for folder, _folders, _files in os.walk(self.site, topdown=False):
            if folder != str(self.site) and not os.listdir(folder):  # noqa: PTH208 - what os.walk gives
                os.rmdir(folder)  # noqa: PTH106 - the same

    def sized_packages(self) -> tuple[Package, ...]:
        """List the distributions with the sizes that they have now."""
        return tuple(
            Package(
                name=self.distributions[name].name,
                version=self.distributions[name].version,
                size=sum(self.sizes.get(file, 0) for file in files),
            )
            for name, files in sorted(self.recorded.items())
        )

    def removed(self) -> tuple[Removed, ...]:
        """List what was taken so far, the largest first."""
        taken = [Removed(what=what, files=files, size=size) for what, (files, size) in self._counts.items()]
        return tuple(sorted(taken, key=lambda one: (-one.size, one.what)))


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, f"{prefix}{entry.name}/")
            elif entry.is_file():
                yield prefix + entry.name, entry.stat().st_size


def _recorded(distribution: Distribution) -> frozenset[str]:
    """Read RECORD, which names scripts outside of the folder too."""
    rows = csv.reader((distribution.read_text("RECORD") or "").splitlines())
    names = (row[0].replace("\\", "/") for row in rows if row)
    return frozenset(name for name in names if not name.startswith(("/", "../")))
