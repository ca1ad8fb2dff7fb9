"""What of the dependencies the settings keep, by patterns as in .gitignore or a distribution's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.code.leftout import Patterns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microlambda.bundle.slim.installation import Installation


class Keeping:
    """The setting `keep`, read against an installation."""

    def __init__(self, entries: Iterable[str], installation: Installation) -> None:
        self.entries = tuple(entries)
        self._owners = installation.owners
        self._distributions = {
            canonicalize_name(entry) for entry in self.entries
        } & installation.recorded.keys()
        self._patterns = Patterns.of(
            (f"keep = [{entry!r}]", entry) for entry in self.entries if not self._is_distribution(entry)
        )

    def _is_distribution(self, entry: str) -> bool:
        return canonicalize_name(entry) in self._distributions

    def __contains__(self, name: str) -> bool:
        """Tell whether a file is to stay."""
        if not self.entries:
            return False
        return self._owners.get(name) in self._distributions or self._patterns.match(name)

    def unmatched(self, names: Iterable[str]) -> list[str]:
        """Give a note for every entry that none of these files is matched by."""
        names = list(names) if self.entries else []
        return [
            f"keep = [{entry!r}] matches nothing in the dependencies: it takes names such as 'pandas', "
            "or paths such as 'pandas/tests/'."
            for entry in self.entries
            if not (self._is_distribution(entry) or _matches_any(entry, names))
        ]


def _matches_any(entry: str, names: list[str]) -> bool:
    patterns = Patterns.of([("keep", entry.removeprefix("!"))])
    return any(map(patterns.match, names))
