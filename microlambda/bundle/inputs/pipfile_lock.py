"""Pipfile.lock: flat lists of pins, one for each category of the Pipfile.

https://pipenv.pypa.io/en/latest/pipfile.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.collecting import tools_note
from microlambda.bundle.inputs.conditions import applicable, holds, requirement
from microlambda.bundle.inputs.fitting import check_fit
from microlambda.bundle.inputs.indexes import as_folder
from microlambda.bundle.inputs.local_sources import (
    file_source,
    folder_source,
    git_source,
    is_archive,
    url_source,
)
from microlambda.bundle.inputs.locked import Pin, checkable, lock_requirements
from microlambda.bundle.inputs.names import OURS
from microlambda.bundle.inputs.poetry_notation import all_of
from microlambda.bundle.inputs.selecting import selected
from microlambda.bundle.inputs.tables import Table, read_json, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from packaging.requirements import Requirement

    from microlambda.bundle.inputs.required import Choice, Requirements, SourceRequirement

_SPEC = 6
_DEFAULT = "default"

#: The lists of a lock by the tables of a Pipfile, where the names differ.
_LISTS = {"packages": _DEFAULT, "dev-packages": "develop", "dev": "develop"}

#: Tables of a Pipfile that hold no packages.
_OTHER = ("source", "requires", "scripts", "pipenv", "build-system")

#: Keys of a package in a Pipfile that are markers: os_name = "== 'nt'".
_MARKERS = (
    *("os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_release"),
    *("platform_system", "platform_version", "python_version", "python_full_version"),
    *("implementation_name", "implementation_version"),
)


def read_pipfile_lock(path: Path, choice: Choice) -> Requirements:
    """Read a Pipfile.lock; the Pipfile beside it says what the project asks for."""
    lock = read_json(path)
    _check_version(lock, path.name, choice)
    lists = [_DEFAULT, *_chosen(lock, path.name, choice)]
    entries = _entries(lock, lists, choice)
    pins = [_pin(name, entry, lock, path, choice) for name, entry in entries.items() if name != OURS]
    kept = [pin for pin in pins if pin.source is None or pin.source.folder != choice.root.resolve()]
    roots = _roots(path.with_name("Pipfile"), lists, choice)
    if roots is not None:
        locked = {name: entry.get("version") for name, entry in entries.items()}
        versions = {name: str(one).removeprefix("==") if one else None for name, one in locked.items()}
        check_fit(roots, versions, lock=path.name, command="pipenv lock")
    notes: tuple[str, ...] = ()
    if roots is None and OURS in entries:
        notes = (tools_note(path.name, "The Pipfile beside it says it."),)
    return lock_requirements(path.name, kept, choice, where=path.name, roots=roots, notes=notes)


def _check_version(lock: Table, label: str, choice: Choice) -> None:
    meta = lock.table("_meta")
    version = meta.get("pipfile-spec")
    if version != _SPEC:
        raise RequirementsUnreadable(
            f"{label} is of pipfile-spec {version!r}, and this version of microlambda reads {_SPEC}. "
            "Run `pipenv lock`, or export it: pipenv requirements --hash > requirements.txt"
        )
    if choice.extras:
        raise RequirementsUnreadable(
            f"the settings ask for the extras {', '.join(choice.extras)}, and {label} is read, which has "
            "none. Put the packages into a category of the Pipfile and name it in groups."
        )


def _chosen(lock: Table, label: str, choice: Choice) -> list[str]:
    """Give the lists of the chosen categories, by the names of a Pipfile or of its lock."""
    known: dict[str, str] = {
        canonicalize_name(name): name for name in lock if name not in {"_meta", _DEFAULT}
    }
    known |= {canonicalize_name(name): of for name, of in _LISTS.items() if of in lock and of != _DEFAULT}
    return [known[name] for name in selected("group", choice.groups, known, label)]


def _entries(lock: Table, lists: Iterable[str], choice: Choice) -> dict[str, Table]:
    """Gather the packages whose markers hold; of a package in two lists the first counts, as for pipenv."""
    found: dict[str, Table] = {}
    for name in lists:
        packages = lock.table(name)
        for key in packages:
            entry = packages.table(key)
            if holds(entry.text_or_none("markers"), choice.target, where=entry.place):
                found.setdefault(canonicalize_name(key), entry)
    return found


def _pin(name: str, entry: Table, lock: Table, path: Path, choice: Choice) -> Pin:
    hashes = checkable(entry.texts("hashes"))
    location = entry.text_or_none("path") or entry.text_or_none("file")
    if "git" in entry:
        return Pin(name=name, source=_repository(name, entry, path.name))
    if location is not None:
        return _at(name, location, hashes, path, choice)
    version = entry.text("version")
    if not version.startswith("=="):
        raise RequirementsUnreadable(
            f"{entry.at('version')} is {version!r}, which is no pin. Run `pipenv lock`."
        )
    index = _index(entry, lock)
    folder = as_folder(index, path.parent) if index else None
    return Pin(
        name=name,
        version=version.lstrip("="),
        hashes=hashes,
        index=index if folder is None else None,
        find_links=folder,
    )


def _repository(name: str, entry: Table, label: str) -> SourceRequirement:
    return git_source(
        entry.text("git"),
        where=label,
        revision=entry.text_or_none("ref"),
        subdirectory=entry.text_or_none("subdirectory"),
        name=name,
    )


def _at(name: str, location: str, hashes: tuple[str, ...], path: Path, choice: Choice) -> Pin:
    """Read a place that is no index: a URL, a folder or an archive."""
    if location.startswith(("http://", "https://")):
        if location.partition("#")[0].endswith(".whl"):
            return Pin(name=name, url=location, hashes=hashes)
        return Pin(name=name, source=url_source(location, where=path.name, name=name, hashes=hashes))
    local = as_folder(location, path.parent) or path.parent / location
    if local.name.endswith(".whl"):
        return Pin(name=name, file=local, hashes=hashes)
    if is_archive(local.name):
        made = file_source(local, root=choice.root, where=path.name, name=name, hashes=hashes)
        return Pin(name=name, file=local, source=made)
    return Pin(name=name, source=folder_source(local, root=choice.root, where=path.name, name=name))


def _index(entry: Table, lock: Table) -> str | None:
    """Give the URL of the source that a package comes from: the first unless it names another."""
    sources = lock.table("_meta").tables("sources")
    name = entry.text_or_none("index")
    found = [one for one in sources if name is None or one.get("name") == name]
    if name is not None and not found:
        raise RequirementsUnreadable(f"{entry.at('index')} is {name!r}, and no source has that name.")
    return found[0].text("url") if found else None


def _roots(path: Path, lists: Iterable[str], choice: Choice) -> list[Requirement] | None:
    """Give what a Pipfile asks for in the tables of these lists; None where there is no Pipfile."""
    if not path.is_file():
        return None
    pipfile = read_toml(path)
    wanted = set(lists)
    tables = [key for key in pipfile if key not in _OTHER and _LISTS.get(key, key) in wanted]
    found = [_asked(name, pipfile.table(key)) for key in tables for name in pipfile.table(key)]
    return applicable([one for one in found if one is not None], choice.target, where=path.name)


def _asked(name: str, packages: Table) -> Requirement | None:
    value = packages.get(name)
    table = (
        Table(value, packages.at(name))
        if isinstance(value, dict)
        else Table({"version": value}, packages.at(name))
    )
    version = table.text_or_none("version") or "*"
    if table.get("path") == ".":
        return None  # the project itself
    extras = f"[{','.join(table.texts('extras'))}]" if "extras" in table else ""
    marker = all_of(
        (
            table.text_or_none("markers") or "",
            *(f"{one} {table.text(one)}" for one in _MARKERS if one in table),
        )
    )
    return requirement(f"{name}{extras}{'' if version == '*' else version}", marker=marker, where=table.place)
