"""The distributions that are installed in a folder."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import PathDistribution, distributions
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import PackageMetadata
    from pathlib import Path


class InstalledDistribution(PathDistribution):
    """A distribution in a folder; its METADATA is parsed once, not for each of its fields."""

    @cached_property
    def metadata(self) -> PackageMetadata:
        """Read METADATA: https://packaging.python.org/en/latest/specifications/core-metadata/."""
        return super().metadata


def distributions_in(site: Path) -> list[InstalledDistribution]:
    """Find the distributions in a folder."""
    found = distributions(path=[str(site)])
    return [InstalledDistribution(one._path) for one in found if isinstance(one, PathDistribution)]
