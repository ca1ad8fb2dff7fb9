"""pylock.toml, the lock of PEP 751: a flat list, each entry with a marker.

https://packaging.python.org/en/latest/specifications/pylock-toml/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.pylock import (
    Package,
    PackageVcs,
    Pylock,
    PylockUnsupportedVersionError,
    PylockValidationError,
)
from packaging.utils import canonicalize_name

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.collecting import tools_note
from microlambda.bundle.inputs.conditions import applicable, fits_python
from microlambda.bundle.inputs.fitting import check_fit
from microlambda.bundle.inputs.indexes import as_folder
from microlambda.bundle.inputs.local_sources import (
    file_source,
    folder_source,
    git_source,
    url_source,
)
from microlambda.bundle.inputs.locked import Pin, checkable, lock_requirements
from microlambda.bundle.inputs.manifest import manifest_beside
from microlambda.bundle.inputs.names import OURS
from microlambda.bundle.inputs.selecting import selected
from microlambda.bundle.inputs.tables import read_toml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from packaging.pylock import PackageArchive, PackageDirectory, PackageSdist, PackageWheel
    from packaging.requirements import Requirement

    from microlambda.bundle.inputs.manifest import Manifest
    from microlambda.bundle.inputs.required import Choice, Requirements

#: The group of a developer's tools, which no function needs, whatever a lock takes for granted.
_NEVER_BY_ITSELF = "dev"


def read_pylock(path: Path, choice: Choice) -> Requirements:
    """Read a pylock.toml; what the project itself asks for stands in the pyproject.toml beside it."""
    lock = _parsed(path)
    _check_python(lock, path.name, choice)
    manifest = manifest_beside(choice.root)
    extras, groups = _selected(lock, manifest, path.name, choice)
    packages = _installed(lock, path.name, choice, extras, groups)
    pins = [_pin(one, path, choice) for one in packages if not _is_project(one, path, choice)]
    roots = _roots(manifest, choice, extras, groups, {pin.name: pin.version for pin in pins}, path.name)
    notes: tuple[str, ...] = ()
    if roots is None and any(pin.name == OURS for pin in pins):
        remedy = "A pyproject.toml with [project] dependencies beside it says it."
        notes = (tools_note(path.name, remedy),)
    return lock_requirements(path.name, pins, choice, where=path.name, roots=roots, notes=notes)


def _parsed(path: Path) -> Pylock:
    table = read_toml(path)
    try:
        return Pylock.from_dict(table.values)
    except PylockUnsupportedVersionError as exc:
        raise RequirementsUnreadable(
            f"{path.name} is of version {table.get('lock-version')}, and this version of microlambda reads "
            "version 1. Update microlambda, or lock with a tool that writes lock-version 1.0."
        ) from exc
    except PylockValidationError as exc:
        raise RequirementsUnreadable(f"{path.name} is not as PEP 751 has it: {exc}.") from exc


def _check_python(lock: Pylock, label: str, choice: Choice) -> None:
    target = choice.target
    if not fits_python(str(lock.requires_python or ""), target, where=label):
        raise RequirementsUnreadable(
            f"{label} is for Python {lock.requires_python}, and the target is python{target.python}. "
            "Change python in the settings, or lock for it."
        )
    environments = lock.environments or ()
    if environments and not any(one.evaluate(target.markers) for one in environments):
        raise RequirementsUnreadable(
            f"{label} is for other environments than {target}: {'; '.join(map(str, environments))}. "
            "Lock for all platforms, or for this one."
        )


def _selected(
    lock: Pylock, manifest: Manifest | None, label: str, choice: Choice
) -> tuple[list[str], list[str]]:
    """Check the chosen extras and groups; a lock of one environment has none, and its manifest has them."""
    extras: list[str] = [*(lock.extras or ())]
    groups: list[str] = [*(lock.dependency_groups or ())]
    if manifest is not None:
        extras += manifest.extras if lock.extras is None else []
        groups += manifest.groups if lock.dependency_groups is None else []
    return (
        selected("extra", choice.extras, extras, label),
        selected("group", choice.groups, groups, label),
    )


def _installed(
    lock: Pylock, label: str, choice: Choice, extras: Iterable[str], groups: Iterable[str]
) -> list[Package]:
    usual = {canonicalize_name(one) for one in lock.default_groups or ()} - {_NEVER_BY_ITSELF}
    environment: dict[str, str | Collection[str]] = {
        **choice.target.markers,
        "extras": frozenset(extras),
        "dependency_groups": frozenset({*usual, *groups}),
    }
    kept = [one for one in lock.packages if one.marker is None or _holds(one, environment)]
    for one in kept:
        if not fits_python(str(one.requires_python or ""), choice.target, where=label):
            raise RequirementsUnreadable(
                f"{label}: {one.name} needs Python {one.requires_python}, and the target is "
                f"python{choice.target.python}. Change python in the settings, or lock for it."
            )
    return kept


def _holds(package: Package, environment: Mapping[str, str | Collection[str]]) -> bool:
    return package.marker is not None and package.marker.evaluate(environment, context="lock_file")  # type: ignore[arg-type]  # sets of names, which this context takes


def _is_project(package: Package, path: Path, choice: Choice) -> bool:
    directory = package.directory
    return directory is not None and (path.parent / directory.path).resolve() == choice.root.resolve()


def _pin(package: Package, path: Path, choice: Choice) -> Pin:
    version = str(package.version or "")
    if package.vcs is not None:
        return _from_repository(package, package.vcs, path.name)
    if package.directory is not None:
        return _from_folder(package, package.directory, path, choice)
    if package.archive is not None:
        return _from_archive(package, package.archive, path, choice)
    files: list[PackageWheel | PackageSdist] = list(package.wheels or ())
    files += [package.sdist] if package.sdist is not None else []
    index = package.index or ""
    folder = as_folder(index, path.parent) if index else _folder_of(files, path.parent)
    return Pin(
        name=package.name,
        version=version,
        hashes=checkable(one for file in files for one in _hashes(file.hashes)),
        index=index if index and folder is None else None,
        find_links=folder,
    )


def _folder_of(files: Iterable[PackageWheel | PackageSdist], base: Path) -> Path | None:
    """Find the folder of files that are named by path alone."""
    return next(((base / one.path).parent for one in files if one.path and not one.url), None)


def _from_repository(package: Package, vcs: PackageVcs, label: str) -> Pin:
    if vcs.type != "git" or vcs.url is None:
        raise RequirementsUnreadable(
            f"{label} takes {package.name} from a repository of the kind {vcs.type!r}; git alone is read, "
            "by URL. Build a wheel of it and name its file."
        )
    source = git_source(
        vcs.url, where=label, revision=vcs.commit_id, subdirectory=vcs.subdirectory, name=package.name
    )
    return Pin(name=package.name, source=source)


def _from_folder(package: Package, directory: PackageDirectory, path: Path, choice: Choice) -> Pin:
    folder = path.parent / directory.path / (directory.subdirectory or "")
    source = folder_source(folder, root=choice.root, where=path.name, name=package.name)
    return Pin(name=package.name, source=source)


def _from_archive(package: Package, archive: PackageArchive, path: Path, choice: Choice) -> Pin:
    name, hashes = package.name, checkable(_hashes(archive.hashes))
    local = path.parent / archive.path if archive.path else None
    url = archive.url or ""
    if (local.name if local is not None else url).endswith(".whl"):
        return Pin(name=name, url=url or None, file=local, hashes=hashes)
    if local is not None:
        made = file_source(local, root=choice.root, where=path.name, name=name, hashes=hashes)
        return Pin(name=name, file=local, source=made)
    url += f"#subdirectory={archive.subdirectory}" if archive.subdirectory else ""
    return Pin(name=name, source=url_source(url, where=path.name, name=name, hashes=hashes))


def _hashes(hashes: Mapping[str, str]) -> list[str]:
    return [f"{algorithm}:{digest}" for algorithm, digest in hashes.items()]


def _roots(
    manifest: Manifest | None,
    choice: Choice,
    extras: Iterable[str],
    groups: Iterable[str],
    locked: Mapping[str, str | None],
    label: str,
) -> list[Requirement] | None:
    """Give what the pyproject.toml beside the lock asks for, where it says it."""
    if manifest is None or manifest.is_poetry or manifest.is_dynamic or not manifest.declares:
        return None
    asked = [one.requirement for one in manifest.asked(extras=extras, groups=groups)]
    kept = applicable(asked, choice.target, where=manifest.path.name)
    check_fit(kept, locked, lock=label, command="uv export --all-groups --all-extras -o pylock.toml")
    return kept
