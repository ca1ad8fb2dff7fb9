"""What is chosen of the project's requirements for each selection of functions, and its hash.

The hash is the same in any folder and on any machine.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from microlambda.bundle.dependencies import has_none, with_sdk
from microlambda.bundle.inputs.configuration import uv_configuration
from microlambda.bundle.inputs.content import local_content
from microlambda.bundle.inputs.requirements import read_requirements
from microlambda.bundle.selection import selections
from microlambda.bundle.slim.options import SlimOptions
from microlambda.bundle.slim.rules import rules_digest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from microlambda.bundle.inputs.requirements import Requirements
    from microlambda.bundle.selection import Selection
    from microlambda.bundle.target import Target
    from microlambda.project.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A selection, the requirements that it comes to, and the hash of these: empty where none ship."""

    selection: Selection
    requirements: Requirements
    inputs: str


def read_all(settings: Settings, target: Target) -> tuple[Chosen, ...]:
    """Read the requirements of every selection, the common one first."""
    options = slim_options(settings)

    def chosen(selection: Selection) -> Chosen:
        requirements = _requirements(settings, target, selection)
        inputs = _dependencies(requirements, options, target, settings.root)
        return Chosen(selection=selection, requirements=requirements, inputs=inputs)

    return tuple(map(chosen, selections(settings)))


def local_projects(every: Iterable[Chosen]) -> frozenset[Path]:
    """Name the folders of this machine that are required: projects of their own."""
    return frozenset(
        source.folder
        for one in every
        for source in one.requirements.sources
        if source.folder is not None and source.folder.is_dir()
    )


def slim_options(settings: Settings) -> SlimOptions:
    """Take from the settings what they say of slimming."""
    return SlimOptions(keep=settings.keep, strip=settings.strip, sdk=settings.sdk)


def common_requirements(settings: Settings, target: Target) -> Requirements:
    """Read the requirements that all functions share."""
    return _requirements(settings, target, selections(settings)[0])


def _requirements(settings: Settings, target: Target, selection: Selection) -> Requirements:
    read = read_requirements(settings, target, groups=selection.groups, extras=selection.extras)
    return with_sdk(read, slim_options(settings))


def _dependencies(requirements: Requirements, options: SlimOptions, target: Target, root: Path) -> str:
    """Hash what decides the dependencies; empty where there are none to ship."""
    if has_none(requirements, options):
        return ""
    return hash_of(
        {
            "requirements": sorted(set(requirements.portable)),
            "configuration": uv_configuration(root),
            "content": local_content(requirements),
            "options": asdict(options),
            "rules": rules_digest(),
            "target": asdict(target),
        }
    )


def content_hash(content: bytes) -> str:
    """Give the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def hash_of(parts: Any) -> str:
    """Give the hash of anything that JSON holds."""
    return content_hash(json.dumps(parts, sort_keys=True).encode())
