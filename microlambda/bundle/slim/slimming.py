"""An installation, cut down to what a function needs, and checked for the target.

What goes: distributions that nothing needs, or that Lambda has; of the others tests, stubs, headers,
documentation, console scripts and the installer's records; on demand the models of services that are not
used, and the symbols of native libraries. The setting `keep` names what stays nevertheless.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microlambda.bundle.slim.descriptions import without_description
from microlambda.bundle.slim.excess import HOOKS, find_excess, must_go
from microlambda.bundle.slim.installation import Installation
from microlambda.bundle.slim.keeping import Keeping
from microlambda.bundle.slim.native import check_native, refuse_faults
from microlambda.bundle.slim.needed import find_needed
from microlambda.bundle.slim.sdk import MODELS, unused_models
from microlambda.bundle.slim.stripping import strip_symbols

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from microlambda.bundle.inputs.requirements import Requirements
    from microlambda.bundle.slim.account import Package, Removed
    from microlambda.bundle.slim.options import SlimOptions
    from microlambda.bundle.target import Target

PROVIDED = "packages that Lambda has"
UNNEEDED = "packages that nothing needs"
DESCRIPTIONS = "long descriptions"


@dataclass(frozen=True, kw_only=True)
class Slimmed:
    """What stays, with its size, and what went: their sizes add up to what was installed."""

    packages: tuple[Package, ...]
    removed: tuple[Removed, ...]
    notes: tuple[str, ...]


def slim(site: Path, requirements: Requirements, target: Target, options: SlimOptions) -> Slimmed:
    """Remove from the folder `site` what no function needs, and refuse what would not load on the target.

    `NativeMismatch` names the library that would not; `SdkUnusable` the service that the SDK does not have.
    """
    installation = Installation(site)
    needed = find_needed(installation.distributions, requirements, target, options.sdk)
    installation.drop(sorted(needed.provided), PROVIDED)
    installation.drop(sorted(installation.distributions.keys() - needed.kept), UNNEEDED)
    keeping = Keeping(options.keep, installation)
    notes = [*needed.notes, *keeping.unmatched(installation.sizes)]
    notes += _remove_excess(installation, keeping)
    if not isinstance(options.sdk, str):
        models = unused_models(options.sdk, installation)
        installation.remove((name for name in models if name not in keeping), MODELS)
    _shorten_descriptions(installation, keeping)
    notes += _check(installation, keeping, target)
    if options.strip:
        unkept = [name for name in installation.sizes if name not in keeping]
        notes += strip_symbols(installation, unkept, target)
    installation.remove_empty_folders()
    return Slimmed(packages=installation.sized_packages(), removed=installation.removed(), notes=tuple(notes))


def _remove_excess(installation: Installation, keeping: Keeping) -> list[str]:
    excess: dict[str, list[str]] = defaultdict(list)
    for name, kind in find_excess(installation).items():
        if must_go(name) or name not in keeping:
            excess[kind].append(name)
    for kind, names in excess.items():
        installation.remove(names, kind)
    return [
        f"{name} is left out: Lambda does not read .pth files beside the code."
        for name in excess.get(HOOKS, ())
    ]


def _shorten_descriptions(installation: Installation, keeping: Keeping) -> None:
    names = [
        name for name in installation.sizes if name.endswith(".dist-info/METADATA") and name not in keeping
    ]
    for name in names:
        whole = installation.read(name)
        short = without_description(whole)
        if len(short) < len(whole):
            installation.shrink(name, short, DESCRIPTIONS)


def _check(installation: Installation, keeping: Keeping, target: Target) -> list[str]:
    faults = check_native(_paths(installation), target)

    def owner(name: str) -> str:
        found = installation.owners.get(name)
        return installation.distributions[found].name if found is not None else name.partition("/")[0]

    return refuse_faults(faults, owner=owner, accepted=keeping.__contains__)


def _paths(installation: Installation) -> Iterable[tuple[str, Path]]:
    return ((name, installation.site / name) for name in sorted(installation.sizes))
