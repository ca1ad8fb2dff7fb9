"""What `python -X importtime` says: a tree of imports, each with its own time and that of all below it.

https://docs.python.org/3/using/cmdline.html#cmdoption-X
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| ( *)(\S+)$")


@dataclass(frozen=True, kw_only=True)
class ImportTime:
    """One module that was loaded; times are in microseconds. `own` is without what it imports itself."""

    module: str
    own: int
    total: int
    imports: tuple[ImportTime, ...] = ()

    def walk(self) -> Iterator[ImportTime]:
        """Give this module and all that it loaded."""
        yield self
        for one in self.imports:
            yield from one.walk()


def read_import_times(text: str) -> tuple[ImportTime, ...]:
    """Read the tree; other lines are passed over. Gives what was imported first of all, in order."""
    # A module is told after what it imports, and two blanks further out for each level.
    levels: dict[int, list[ImportTime]] = {}
    for line in text.splitlines():
        if found := _LINE.search(line):
            own, total, indent, module = found.groups()
            level = len(indent) // 2
            one = ImportTime(
                module=module, own=int(own), total=int(total), imports=tuple(levels.pop(level + 1, ()))
            )
            levels.setdefault(level, []).append(one)
    return tuple(levels.get(0, ()))
