"""Sources that are built into wheels first: folders, repositories, source archives."""

from __future__ import annotations

import os
import re
import tomllib
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.masking import mask
from microlambda.bundle.inputs.required import SourceRequirement

if TYPE_CHECKING:
    from pathlib import Path

    from microlambda.bundle.inputs.tables import Table

#: What pip takes for an archive of a source.
ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar", ".zip")

_VCS = re.compile(r"(git|hg|svn|bzr)\+", re.IGNORECASE)
_SCP = re.compile(r"([^/@:]+@[^/:]+):(?!//)(.+)")  # git@github.com:owner/name, as git itself takes it


def is_repository(text: str) -> bool:
    """Tell whether a location is one of a version control system: git+https://..."""
    return _VCS.match(text) is not None


def is_archive(name: str) -> bool:
    """Tell whether a file's name or a URL is that of a source archive."""
    return urlsplit(name).path.endswith(ARCHIVES)


def project_name(folder: Path) -> str | None:
    """Read a project's name out of its pyproject.toml, where that says it."""
    try:
        table = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    for section in (table.get("project"), _table(_table(table, "tool"), "poetry")):
        name = _table({"it": section}, "it").get("name")
        if isinstance(name, str):
            return name
    return None


def _table(table: dict[str, object], key: str) -> dict[str, object]:
    value = table.get(key)
    return value if isinstance(value, dict) else {}


def relative(path: Path, root: Path) -> str:
    """Spell a path by the way to it from the project, the same on every machine."""
    try:
        return os.path.relpath(path, root.resolve()).replace(os.sep, "/")
    except ValueError:  # on another drive of Windows
        return path.as_posix()


def dotted(path: Path, root: Path) -> str:
    """Spell a path so that it cannot be taken for a name: ./libs/lib."""
    way = relative(path, root)
    return way if way.startswith(("..", "/")) else f"./{way}"


def folder_source(
    folder: Path, *, root: Path, where: str, name: str | None = None, extras: tuple[str, ...] = ()
) -> SourceRequirement:
    """Ask for a folder of this machine, which has to be there."""
    folder = folder.resolve()
    if not folder.is_dir():
        raise RequirementsUnreadable(
            f"{where} names the folder {relative(folder, root)!r}, which is not there."
        )
    name = name or project_name(folder)
    return SourceRequirement(
        location=folder.as_uri(),
        name=canonicalize_name(name) if name else None,
        extras=extras,
        where=where,
        folder=folder,
        portable=dotted(folder, root),
    )


def file_source(
    path: Path,
    *,
    root: Path,
    where: str,
    name: str | None = None,
    extras: tuple[str, ...] = (),
    hashes: tuple[str, ...] = (),
) -> SourceRequirement:
    """Ask for a source archive of this machine, which has to be there."""
    path = path.resolve()
    if not path.is_file():
        raise RequirementsUnreadable(f"{where} names the source {path.name!r}, which is not there.")
    return SourceRequirement(
        location=path.as_uri(),
        name=name or _name_in(path.name),
        extras=extras,
        where=where,
        portable=dotted(path, root),
        hashes=hashes,
    )


def url_source(
    url: str,
    *,
    where: str,
    name: str | None = None,
    extras: tuple[str, ...] = (),
    hashes: tuple[str, ...] = (),
) -> SourceRequirement:
    """Ask for a source archive by its URL."""
    address, _, fragment = url.partition("#")
    options = _options(fragment)
    name = name or options.get("egg", "").partition("[")[0] or _name_in(unquote(urlsplit(address).path))
    location = address + _subdirectory(options)
    return SourceRequirement(
        location=location,
        name=canonicalize_name(name) if name else None,
        extras=extras,
        where=where,
        portable=location,
        hashes=hashes,
    )


def repository_source(
    location: str, *, where: str, name: str | None = None, extras: tuple[str, ...] = ()
) -> SourceRequirement:
    """Ask for a repository: git+https://host/name@revision#egg=name&subdirectory=folder."""
    address, _, fragment = location.partition("#")
    if not address.lower().startswith("git+"):
        raise RequirementsUnreadable(
            f"{where}: {mask(location)!r} is no git repository, and others are not read. "
            "Build a wheel of it (pip wheel --no-deps -w wheels/ ...) and name its file: ./wheels/NAME.whl"
        )
    options = _options(fragment)
    egg_name, egg_extras = _egg(options.get("egg", ""), where)
    name = name or egg_name
    whole = address + _subdirectory(options)
    return SourceRequirement(
        location=whole,
        name=canonicalize_name(name) if name else None,
        extras=extras or egg_extras,
        where=where,
        portable=whole,
    )


def git_source(
    url: str,
    *,
    where: str,
    revision: str | None = None,
    subdirectory: str | None = None,
    name: str | None = None,
    extras: tuple[str, ...] = (),
) -> SourceRequirement:
    """Ask for a git repository by what other tools keep apart: its URL, the revision and the folder."""
    if match := _SCP.fullmatch(url):
        url = f"ssh://{match[1]}/{match[2]}"
    location = f"git+{url.removeprefix('git+')}"
    location += f"@{revision}" if revision else ""
    location += f"#subdirectory={subdirectory}" if subdirectory else ""
    return repository_source(location, where=where, name=name, extras=extras)


def git_of_table(table: Table, *, where: str, name: str | None, extras: tuple[str, ...]) -> SourceRequirement:
    """Ask for the git repository of a table, as uv and Poetry write it: git, rev or tag or branch."""
    return git_source(
        table.text("git"),
        where=where,
        revision=next((table.text(key) for key in ("rev", "tag", "branch") if key in table), None),
        subdirectory=table.text_or_none("subdirectory"),
        name=name,
        extras=extras,
    )


def unfixed_note(source: SourceRequirement) -> str | None:
    """Say of a repository without a revision that its head at the time of the build ships."""
    path = urlsplit(source.location).path
    if not source.location.startswith("git+") or "@" in path:
        return None
    name = source.name or mask(source.location)
    return f"{name} comes from whatever its repository has: fix it with @REVISION in {source.where}."


def _name_in(path: str) -> str | None:
    """Read the name of a project in the name of its source archive; zip files of GitHub have none."""
    try:
        return parse_sdist_filename(path.rpartition("/")[2])[0]
    except InvalidSdistFilename:
        return None


def _options(fragment: str) -> dict[str, str]:
    return {key: unquote(value) for key, _, value in (one.partition("=") for one in fragment.split("&"))}


def _subdirectory(options: dict[str, str]) -> str:
    return f"#subdirectory={options['subdirectory']}" if options.get("subdirectory") else ""


def _egg(egg: str, where: str) -> tuple[str | None, tuple[str, ...]]:
    if not egg:
        return None, ()
    try:
        requirement = Requirement(egg)
    except InvalidRequirement as exc:
        raise RequirementsUnreadable(f"{where}: egg={egg!r} is not a name: {exc}.") from exc
    return requirement.name, tuple(sorted(requirement.extras))
