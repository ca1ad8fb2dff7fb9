"""The dependencies of a bundle, resolved once and kept.

What is kept is an archive, slimmed and with bytecode. Its key is a hash of what decides the result: the
requirements, the target, the settings of slimming, the resolver and its configuration in the environment.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement

from microlambda.bundle.cache import cache_folder
from microlambda.bundle.deflate import deflate_identity
from microlambda.bundle.inputs.configuration import machine_configuration, uv_configuration
from microlambda.bundle.inputs.content import local_content
from microlambda.bundle.resolving.names import likely_resolver
from microlambda.bundle.slim.account import Package, Removed
from microlambda.bundle.slim.rules import rules_digest
from microlambda.bundle.slim.sdk import is_left_to_runtime, sdk_requirements
from microlambda.bundle.slim.stripping import strip_tools
from microlambda.bundle.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from microlambda.bundle.inputs.requirements import Requirements
    from microlambda.bundle.slim.options import SlimOptions
    from microlambda.bundle.store import Kept
    from microlambda.bundle.target import Target

_LEFT_TO_LAMBDA = "boto3 is left to the copy that Lambda has. To ship it, pin it, or write sdk = 'bundle'."


class Layout(Enum):
    """Where dependencies lie on Lambda: beside the code, or in the folder `python` of a layer."""

    CODE = ("", "/var/task")
    LAYER = ("python/", "/opt/python")

    @property
    def prefix(self) -> str:
        """Name the folder in the archive."""
        return self.value[0]

    @property
    def root(self) -> str:
        """Name the folder on Lambda that modules are imported from."""
        return self.value[1]


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What the requirements come to: an archive of them, or None where there are none.

    `use_us` tells whether microlambda is mentioned anywhere in them, and so may be used by one.
    """

    archive: Path | None = None
    names: tuple[str, ...] = ()  # of its entries, as they are imported: without the layer's folder
    unpacked_size: int = 0  # bytes
    packages: tuple[Package, ...] = ()
    removed: tuple[Removed, ...] = ()
    notes: tuple[str, ...] = ()
    use_us: bool = False


def has_none(requirements: Requirements, options: SlimOptions) -> bool:
    """Tell without resolving whether nothing will ship: there is nothing, or Lambda has it all."""
    nothing = not requirements.direct and not requirements.sources
    return nothing or is_left_to_runtime(requirements, options)


def with_sdk(requirements: Requirements, options: SlimOptions) -> Requirements:
    """Add the SDK where the settings ask for it and the requirements do not."""
    lines = sdk_requirements(options.sdk, requirements)
    return replace(
        requirements,
        lines=(*requirements.lines, *lines),
        portable=(*requirements.portable, *lines),
        direct=(*requirements.direct, *map(Requirement, lines)),
    )


def prepare(
    requirements: Requirements,
    target: Target,
    *,
    options: SlimOptions,
    layout: Layout,
    root: Path,
    resolver: str | None,
    refresh: bool,
    say: Callable[[str], None],
    waiting: Callable[[], None] = lambda: None,
) -> Dependencies:
    """Give the dependencies, from the cache where they are there; `refresh` resolves them anew.

    `waiting` is called when another program is at work, and there is time for other things.
    """
    if has_none(requirements, options):
        return Dependencies(notes=(_LEFT_TO_LAMBDA,) if requirements.direct else ())
    wanted = Wanted(requirements=requirements, target=target, options=options, layout=layout, root=root)
    store = Store(folder=cache_folder() / "dependencies")

    def kept(resolver: str, *, has_bytecode: bool) -> Dependencies | None:
        found = None if refresh else store.read(wanted.key(resolver, has_bytecode=has_bytecode))
        if found is not None:
            say("Dependencies: unchanged, from the cache")
        return None if found is None else read_kept(found)

    if (found := kept(resolver or likely_resolver(), has_bytecode=True)) is not None:
        return found
    # Not loaded for what is unchanged: it takes a tenth of a second.
    from microlambda.bundle.making import Making

    making = Making.of(wanted, store, resolver=resolver, say=say)
    found = kept(making.resolver.name, has_bytecode=making.interpreter is not None)
    return making.make(waiting) if found is None else found


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What decides the dependencies of one selection."""

    requirements: Requirements
    target: Target
    options: SlimOptions
    layout: Layout
    root: Path  # where the resolvers look for the project's configuration

    def key(self, resolver: str, *, has_bytecode: bool) -> str:
        """Name what is kept of it, as made by the resolver of this name."""
        requirements, target = self.requirements, self.target
        parts = {
            "lines": requirements.lines,
            "constraints": requirements.constraints,
            "roots": None if requirements.roots is None else sorted(map(str, requirements.roots)),
            "sources": [one.location for one in requirements.sources],
            "content": local_content(requirements),
            "target": asdict(target),
            "host": target.markers if target.host else {},
            "options": asdict(self.options),
            "strip": strip_tools(target) if self.options.strip else [],
            "rules": rules_digest(),
            "layout": self.layout.name,
            "resolver": resolver,
            "configuration": [uv_configuration(self.root), machine_configuration(requirements)],
            "deflate": deflate_identity(),
            "bytecode": has_bytecode,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def read_kept(kept: Kept) -> Dependencies:
    """Read what is kept with an archive."""
    facts: Mapping[str, Any] = kept.facts
    return Dependencies(
        archive=kept.archive,
        names=tuple(facts["entries"]["digests"]),
        unpacked_size=facts["unpacked"],
        packages=tuple(Package(**one) for one in facts["packages"]),
        removed=tuple(Removed(**one) for one in facts["removed"]),
        notes=tuple(facts["notes"]),
        use_us=facts["use_us"],
    )
