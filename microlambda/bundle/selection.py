"""Which dependencies a function has: those that all share, or with groups and extras of its own.

`groups` and `extras` under `[functions.NAME]` replace those of the top, as lists do. Functions that ask for
the same share what is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microlambda.project.settings import FunctionSettings, Settings


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Groups and extras, and the functions that have them; the common one is of all that are not named."""

    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    is_common: bool = False

    @property
    def suffix(self) -> str:
        """Tell it from others in a name: "-reports" for a group, "" for the common one."""
        if self.is_common:
            return ""
        asked = [_joined(self.groups), *([f"_{_joined(self.extras)}"] if self.extras else [])]
        return "-" + ("_".join(asked) or "none")

    def __str__(self) -> str:
        parts = [*(f"group {one}" for one in self.groups), *(f"extra {one}" for one in self.extras)]
        return ", ".join(parts) or "no groups"


def selections(settings: Settings) -> tuple[Selection, ...]:
    """List the selections of a stage, the common one first, then those of functions that differ from it."""
    common = _normal(settings.groups, settings.extras)
    own: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for name in settings.function_names:
        if (asked := _asked(settings.function(name))) != common:
            own.setdefault(asked, []).append(name)
    return (
        Selection(groups=common[0], extras=common[1], is_common=True),
        *(
            Selection(groups=groups, extras=extras, functions=tuple(functions))
            for (groups, extras), functions in own.items()
        ),
    )


def _asked(function: FunctionSettings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return _normal(function.groups, function.extras)


def _normal(groups: Iterable[str], extras: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put names in order, each once: in which they are written decides nothing."""
    return tuple(sorted(set(groups))), tuple(sorted(set(extras)))


def _joined(names: Iterable[str]) -> str:
    # Of one spelling, and without the character that joins them.
    return "_".join(canonicalize_name(name) for name in names)
